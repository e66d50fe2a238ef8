#include "gemtune/data/text_stream.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::HasSubstr;

class TextStreamTest : public test::TempDir {
 protected:
  DataFile Write(const std::string& name, std::string_view contents) {
    WriteFileAtomically(dir_ / name, contents);
    return FileOfPath(dir_ / name);
  }
};

std::string All(const DataFile& file) {
  TextStream stream(file);
  while (stream.Extend()) {
  }
  return std::string(stream.window());
}

TEST_F(TextStreamTest, EndsTheLastLine) {
  EXPECT_EQ(All(Write("a.csv", "")), "");
  EXPECT_EQ(All(Write("a.csv", "a\nb")), "a\nb\n");
  EXPECT_EQ(All(Write("a.csv", "a\nb\n")), "a\nb\n");
  EXPECT_EQ(All(Write("a.csv", std::string("a\0b\r", 4))), std::string("a\0b\r\n", 5));
}

TEST_F(TextStreamTest, SkipsAByteOrderMarkAndRefusesUtf16) {
  EXPECT_EQ(All(Write("a.csv",
                      "\xef\xbb\xbf"
                      "a\n")),
            "a\n");
  EXPECT_EQ(All(Write("a.csv", "\xef\xbb\xbf")), "");
  EXPECT_EQ(All(Write("a.csv", "\xef\xbb\xbf\xef\xbb\xbf\n")), "\xef\xbb\xbf\n");
  EXPECT_THAT(MessageOf([&] {
                TextStream stream(Write("a.csv", std::string("\xff\xfe"
                                                             "a\0",
                                                             4)));
              }),
              HasSubstr("a.csv: is UTF-16; save it as UTF-8"));
}

TEST_F(TextStreamTest, TheWindowIsWhatIsNotConsumed) {
  std::string contents;
  for (int i = 0; i < 700'000; ++i) contents += std::to_string(i) + "\n";  // 4.8 MB: several blocks
  TextStream stream(Write("a.csv", contents));
  std::string read;
  do {
    const size_t lines = stream.window().rfind('\n') + 1;
    read += stream.window().substr(0, lines);
    stream.Consume(lines);
  } while (stream.Extend());
  EXPECT_EQ(read, contents);
  EXPECT_TRUE(stream.window().empty());
  EXPECT_THROW(stream.Consume(1), std::logic_error);
}

TEST_F(TextStreamTest, ReadsBlocksAndNotTheWholeFile) {
  TextStream stream(Write("a.csv", std::string(size_t{8} << 20, 'a')));
  EXPECT_LE(stream.window().size(), size_t{1} << 20);
}

TEST_F(TextStreamTest, FailsInOneLineWhereTheFileIsNotWhatItsNameSays) {
  for (const char* name : {"a.csv.gz", "a.csv.zst", "a.csv.bz2", "a.csv.lz4"}) {
    EXPECT_THAT(MessageOf([&] { All(Write(name, "text,label\na,b\n")); }),
                HasSubstr(std::string(name) + ": "));
  }
  EXPECT_THAT(MessageOf([&] { TextStream stream(FileOfPath(dir_ / "missing.csv")); }),
              HasSubstr("missing.csv: "));
}

TEST_F(TextStreamTest, FailsWhereACompressedFileIsCut) {
  for (const char* name : {"rows.csv.gz", "rows.tsv.zst", "rows.jsonl.bz2", "rows.json.lz4"}) {
    const std::string whole = ReadFile(std::string(GEMTUNE_SOURCE_DIR "/tests/data/golden/") + name);
    EXPECT_NO_THROW(All(Write(name, whole)));
    for (size_t size = 1; size + 1 < whole.size(); size += 3) {
      EXPECT_THAT(MessageOf([&] { All(Write(name, whole.substr(0, size))); }),
                  HasSubstr(std::string(name) + ": "))
          << size;
    }
  }
}

}  // namespace
}  // namespace gemtune::data
