#include "gemtune/data/text_stream.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/utf16.h"

namespace gemtune::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;
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

TEST_F(TextStreamTest, SkipsAByteOrderMark) {
  EXPECT_EQ(All(Write("a.csv",
                      "\xef\xbb\xbf"
                      "a\n")),
            "a\n");
  EXPECT_EQ(All(Write("a.csv", "\xef\xbb\xbf")), "");
  EXPECT_EQ(All(Write("a.csv", "\xef\xbb\xbf\xef\xbb\xbf\n")), "\xef\xbb\xbf\n");
}

TEST_F(TextStreamTest, MakesUtf8OfUtf16) {
  for (const bool big_endian : {false, true}) {
    EXPECT_EQ(All(Write("a.csv", test::Utf16(u"\ufeffa\u00e4\u20ac\U0001f600\ufeff", big_endian))),
              "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbb\xbf\n");
    EXPECT_EQ(All(Write("a.csv", test::Utf16(u"\ufeff", big_endian))), "");
    EXPECT_EQ(All(Write("a.csv", test::Utf16(u"\ufeffa\n", big_endian))), "a\n");
  }
}

TEST_F(TextStreamTest, Utf16IsCutIntoBlocksAnywhere) {
  std::u16string text = u"\ufeff";
  std::string expected;
  for (int i = 0; i < 100'000; ++i) {  // of 10 bytes, so that a block ends in each of their places
    text += u"\U0001f600ab\n";
    expected +=
        "\xf0\x9f\x98\x80"
        "ab\n";
  }
  for (const char* shift : {"", "x"}) {
    std::u16string shifted = text;
    if (*shift != '\0') shifted.insert(1, u"x");
    EXPECT_TRUE(All(Write("a.csv", test::Utf16(shifted, false))) == shift + expected);
    EXPECT_TRUE(All(Write("a.csv", test::Utf16(shifted, true))) == shift + expected);
  }
}

TEST_F(TextStreamTest, RefusesDamagedUtf16) {
  const auto message = [&](std::u16string_view text, const std::string& more = "") {
    return MessageOf([&] { All(Write("a.csv", test::Utf16(text, false) + more)); });
  };
  const auto half = HasSubstr("a.csv: is damaged UTF-16: it holds half a character; save it as UTF-8");
  const auto cut = HasSubstr("a.csv: is damaged UTF-16: it ends within a character; is it cut off?");
  const std::u16string high(1, 0xd83d), low(1, 0xde00);
  EXPECT_THAT(message(u"\ufeffa" + low), half);
  EXPECT_THAT(message(u"\ufeffa" + high + u"b"), half);
  EXPECT_THAT(message(u"\ufeffa" + high + high + low), half);
  EXPECT_THAT(message(u"\ufeff" + std::u16string(100'000, u'x') + low), half);  // not in the first block
  EXPECT_THAT(message(u"\ufeffa" + high), cut);
  EXPECT_THAT(message(u"\ufeffa", "\n"), cut);
}

TEST_F(TextStreamTest, RefusesWhatItsFirstBytesGiveAway) {
  const auto message = [&](std::string_view contents) {
    return MessageOf([&] { TextStream stream(Write("a.csv", contents)); });
  };
  EXPECT_THAT(message("\xff\xfe\0\0a\0\0\0"sv), HasSubstr("a.csv: is UTF-32; save it as UTF-8"));
  EXPECT_THAT(message("\0\0\xfe\xff\0\0\0a"sv), HasSubstr("a.csv: is UTF-32; save it as UTF-8"));
  for (const auto text : {"t\0e\0"sv, "\0t\0e"sv}) {
    EXPECT_THAT(message(text),
                HasSubstr("a.csv: looks like UTF-16 without a byte order mark; save it as UTF-8"));
  }
  for (const auto text : {"t\0\0\0e\0\0\0"sv, "\0\0\0t\0\0\0e"sv}) {
    EXPECT_THAT(message(text), HasSubstr("a.csv: looks like UTF-32 without a byte order mark"));
  }
  EXPECT_THAT(message("\x1f\x8b\x08"),
              HasSubstr("a.csv: is compressed with gzip; put .gz behind its name, or unpack it"));
  EXPECT_THAT(message("\xfd\x37zXZ\0"sv), HasSubstr("a.csv: is compressed with xz; unpack it"));
  EXPECT_THAT(message("PK\x03\x04"), HasSubstr("a.csv: is a ZIP archive or an Excel workbook; "));
  EXPECT_THAT(message("ARROW1\0\0"sv), HasSubstr("a.csv: is an Arrow file; make Parquet of it"));
  EXPECT_THAT(message("\xff\xff\xff\xff\x40\0\0\0"sv), HasSubstr("a.csv: is an Arrow file"));
  EXPECT_THAT(
      message("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      HasSubstr("a.csv: is a Git LFS pointer and not the file itself; fetch that with 'git lfs pull'"));
  EXPECT_THAT(message("\r\n <!DOCTYPE html>\n<html>"),
              HasSubstr("a.csv: is a web page (HTML) and not a table; download the file itself"));
  EXPECT_THAT(message("<HTML lang=en>"), HasSubstr("a.csv: is a web page"));
  for (const char* name : {"rows.csv.gz", "rows.tsv.zst", "rows.jsonl.bz2", "rows.json.lz4"}) {
    const std::string golden = GEMTUNE_SOURCE_DIR "/tests/data/golden/";
    EXPECT_THAT(message(ReadFile(golden + name)),
                HasSubstr(fmt::format("put {} behind", fs::path(name).extension().string())));
  }
  EXPECT_THAT(message(ReadFile(GEMTUNE_SOURCE_DIR "/tests/data/golden/types.parquet")),
              HasSubstr("a.csv: is a Parquet file; give it a name that ends in .parquet"));
}

TEST_F(TextStreamTest, TakesTextThatOnlyBeginsAlike) {
  for (const auto text : {"PAR1,PAR2\n"sv, "BZh9,x\n"sv, "PK,x\n"sv, "version,label\n"sv, "htmltext,x\n"sv,
                          "\0\0\0\0\n"sv, "a\0b\r\n"sv, "a\0\n"sv, "\xc3\xa4\0b\0\n"sv}) {
    EXPECT_EQ(All(Write("a.csv", text)), text);
  }
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
