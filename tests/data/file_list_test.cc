#include "gemtune/data/file_list.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

namespace fs = std::filesystem;
using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileListTest : public test::TempDir {
 protected:
  std::string Touch(const std::string& name) {
    WriteFileAtomically(dir_ / name, "");
    return (dir_ / name).string();
  }
  std::vector<std::string> Names(const std::vector<std::string>& patterns) {
    std::vector<std::string> names;
    for (const DataFile& file : ListFiles(patterns)) names.push_back(file.path.filename().string());
    return names;
  }
};

TEST(FileOfPath, GoesByTheExtension) {
  const auto is = [](const char* path, FileFormat format, Compression compression = Compression::kNone) {
    const DataFile file = FileOfPath(path);
    return file.path == path && file.format == format && file.compression == compression;
  };
  EXPECT_TRUE(is("a/b.parquet", FileFormat::kParquet));
  EXPECT_TRUE(is("b.PARQUET", FileFormat::kParquet));
  EXPECT_TRUE(is("b.csv", FileFormat::kCsv));
  EXPECT_TRUE(is("b.tsv.gz", FileFormat::kTsv, Compression::kGzip));
  EXPECT_TRUE(is("b.JsonL.Zst", FileFormat::kJsonLines, Compression::kZstd));
  EXPECT_TRUE(is("b.json.bz2", FileFormat::kJsonLines, Compression::kBzip2));
  EXPECT_TRUE(is("b.parquet.csv.lz4", FileFormat::kCsv, Compression::kLz4));
}

TEST(FileOfPath, RefusesOthersAndNamesTheSupported) {
  for (const char* path :
       {"a.txt", "a", "csv", "a.parquet.gz", "a.csv.gz.gz", "a.csv.xz", "a.gz", "a.csv/b"}) {
    EXPECT_THAT(MessageOf([&] { FileOfPath(path); }), AllOf(HasSubstr(path), HasSubstr(".jsonl")));
  }
}

TEST_F(FileListTest, SortsTheFilesOfAGlobAndKeepsTheOrderOfPatterns) {
  for (const char* name : {"b10.csv", "b2.csv", "B3.csv", "a.csv", "a.jsonl"}) Touch(name);
  EXPECT_THAT(Names({dir_ / "b*.csv", dir_ / "a.csv"}), ElementsAre("b10.csv", "b2.csv", "a.csv"));
  EXPECT_THAT(Names({dir_ / "?.*"}), ElementsAre("a.csv", "a.jsonl"));
  EXPECT_THAT(Names({dir_ / "[Bb][23].csv"}), ElementsAre("B3.csv", "b2.csv"));
}

TEST_F(FileListTest, APathThatExistsIsNoGlob) {
  Touch("a[1].csv");
  Touch("a1.csv");
  EXPECT_THAT(Names({dir_ / "a[1].csv"}), ElementsAre("a[1].csv"));
}

TEST_F(FileListTest, RefusesWhatIsNoFile) {
  Touch("a.csv");
  fs::create_directories(dir_ / "folder.csv");
  ASSERT_EQ(::mkfifo((dir_ / "pipe.csv").c_str(), 0600), 0);
  fs::create_symlink(dir_ / "nowhere", dir_ / "dangling.csv");
  const auto message = [&](const std::string& name) { return MessageOf([&] { ListFiles({dir_ / name}); }); };
  EXPECT_THAT(message("missing.csv"), HasSubstr("missing.csv: No such file"));
  EXPECT_THAT(message("missing*.csv"), HasSubstr("missing*.csv: no file matches"));
  EXPECT_THAT(message(""), HasSubstr("is a directory; name its files, for example"));
  EXPECT_THAT(message("folder*"), HasSubstr("folder.csv: is not a file"));
  EXPECT_THAT(message("pipe.csv"), HasSubstr("pipe.csv: is not a file"));
  EXPECT_THAT(message("dangling.csv"), HasSubstr("No such file"));
  EXPECT_THAT(MessageOf([] { ListFiles({""}); }), HasSubstr("o such file"));
}

}  // namespace
}  // namespace gemtune::data
