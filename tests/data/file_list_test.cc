#include "gemtune/data/file_list.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <map>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

namespace fs = std::filesystem;
using ::gemtune::test::MessageOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  EXPECT_TRUE(is("b.txt.gz", FileFormat::kPlainText, Compression::kGzip));
}

TEST(FileOfPath, RefusesOthersAndNamesTheSupported) {
  for (const char* path : {"a.md", "a", "csv", "a.csv.gz.gz", "a.gz", "a.csv/b"}) {
    EXPECT_THAT(MessageOf([&] { FileOfPath(path); }), AllOf(HasSubstr(path), HasSubstr(".jsonl")));
  }
}

TEST(FileOfPath, SaysWhatToDoWithFilesThatAreOftenGiven) {
  const std::map<std::string, std::string> cures = {
      {"d/data-00000-of-00001.arrow", "datasets.Dataset.from_file(...).to_parquet(...)"},
      {"a.feather", "pandas.read_feather(...).to_parquet(...)"},
      {"A.XLSX", "a workbook is not read; save the sheet as CSV"},
      {"a.xls", "save the sheet as CSV"},
      {"a.ods", "save the sheet as CSV"},
      {"a.pkl", "a pickle is not read; make Parquet of it: pandas.read_pickle(...).to_parquet(...)"},
      {"a.pickle", "pandas.read_pickle(...).to_parquet(...)"},
      {"a.ndjson", "name ends in .jsonl; rename it"},
      {"a.parquet.gz", "Parquet is compressed inside; unpack it"},
      {"a.zip", "an archive is not read; unpack it"},
      {"a.tar.gz", "unpack it"},
      {"a.csv.xz", "unpack it"}};
  for (const auto& [path, cure] : cures) {
    EXPECT_THAT(MessageOf([&] { FileOfPath(path); }), AllOf(StartsWith(path + ": "), HasSubstr(cure)));
  }
}

TEST(RefusePlainText, SaysWhatToDo) {
  RefusePlainText(FileOfPath("a.csv"));
  EXPECT_THAT(MessageOf([] { RefusePlainText(FileOfPath("a.txt")); }),
              AllOf(StartsWith("a.txt: plain text has no columns, only `task` clm can read it"),
                    HasSubstr("write a table with named columns (.csv, .jsonl)")));
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
  EXPECT_THAT(message("folder*"), HasSubstr("folder.csv: is a directory without a file"));
  EXPECT_THAT(message("pipe.csv"), HasSubstr("pipe.csv: is not a file"));
  EXPECT_THAT(message("dangling.csv"), HasSubstr("No such file"));
  EXPECT_THAT(MessageOf([] { ListFiles({""}); }), HasSubstr("o such file"));
}

TEST_F(FileListTest, NamesTheFilesOfADirectory) {
  const auto message = [&](const fs::path& folder) {
    return MessageOf([&] { ListFiles({(dir_ / folder).string()}); });
  };
  const auto example = [&](const fs::path& glob) {
    return HasSubstr(
        fmt::format(": is a directory; name its files, for example '{}'", (dir_ / glob).string()));
  };
  const auto touch = [&](const fs::path& path) {
    fs::create_directories((dir_ / path).parent_path());
    Touch(path.string());
  };
  fs::create_directories(dir_ / "empty");
  EXPECT_THAT(message("empty"),
              HasSubstr("empty: is a directory without a file of a known kind; supported are"));
  touch("one/a.CSV.gz");
  touch("one/README.md");
  EXPECT_THAT(message("one"), example("one/*.CSV.gz"));
  touch("clone/README.md");
  touch("clone/dataset_infos.json");
  EXPECT_THAT(message("clone"), example("clone/*.json"));
  touch("clone/data/train-00000-of-00001.parquet");
  EXPECT_THAT(message("clone"), example("clone/data/*.parquet"));
  touch("clone/a.jsonl");
  EXPECT_THAT(message("clone"), example("clone/*.jsonl"));
  touch("deep/a/b/c.csv");
  EXPECT_THAT(message("deep"), HasSubstr("without a file of a known kind"));
  touch("cache/data.arrow");
  EXPECT_THAT(message("cache"), HasSubstr("cache: is a directory of .arrow files: an Arrow file, as"));
}

TEST_F(FileListTest, SaysHowToMakeParquetOfWhatDatasetsSaved) {
  fs::create_directories(dir_ / "dict" / "train");
  fs::create_directories(dir_ / "half");
  Touch("dict/dataset_dict.json");
  for (const char* name : {"data-00000-of-00001.arrow", "state.json", "dataset_info.json"}) {
    Touch(std::string("dict/train/") + name);
  }
  Touch("half/state.json");
  const auto message = [&](const fs::path& path) {
    return MessageOf([&] { ListFiles({(dir_ / path).string()}); });
  };
  const std::string dict = (dir_ / "dict").string();
  EXPECT_EQ(message("dict"),
            fmt::format("{0}: is a DatasetDict that datasets wrote with save_to_disk; make Parquet "
                        "of it: datasets.load_from_disk(\"{0}\")[\"train\"].to_parquet(\"FILE.parquet\")",
                        dict));
  const std::string train = fmt::format(
      "{0}/train: is a Dataset that datasets wrote with save_to_disk; make Parquet "
      "of it: datasets.load_from_disk(\"{0}/train\").to_parquet(\"FILE.parquet\")",
      dict);
  EXPECT_EQ(message("dict/train"), train);
  EXPECT_EQ(message("dict/tr*"), train);
  EXPECT_THAT(message("half"), HasSubstr("half: is a directory; name its files"));
}

}  // namespace
}  // namespace gemtune::data
