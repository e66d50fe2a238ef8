#include "gemtune/data/file_content.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/support/utf16.h"

namespace gemtune::data {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;

TEST(StartOfText, GoesByTheByteOrderMark) {
  EXPECT_EQ(StartOfText("a.csv", "text,label\n").encoding, TextEncoding::kUtf8);
  EXPECT_EQ(StartOfText("a.csv", "\xef\xbb\xbfx").mark_bytes, 3u);
  EXPECT_EQ(StartOfText("a.csv", "\xff\xfex\0"sv).encoding, TextEncoding::kUtf16LittleEndian);
  EXPECT_EQ(StartOfText("a.csv", "\xfe\xff\0x"sv).encoding, TextEncoding::kUtf16BigEndian);
  EXPECT_EQ(StartOfText("a.csv", "").mark_bytes, 0u);
}

TEST(StartOfText, SaysWhatCannotBeRead) {
  const auto complaint = [](std::string_view text) {
    return test::MessageOf([&] { StartOfText("a.csv", text); });
  };
  EXPECT_THAT(complaint("\xff\xfe\0\0x\0\0\0"sv), HasSubstr("UTF-32"));
  for (const bool big_endian : {false, true}) {
    EXPECT_THAT(complaint(test::Utf16(u"text,label\n", big_endian)),
                HasSubstr("a.csv: looks like UTF-16 without a byte order mark; save it as UTF-8"));
  }
}

TEST(RefuseForeignContent, GoesByTheFirstBytes) {
  EXPECT_NO_THROW(RefuseForeignContent("a.csv", "text,label\n"));
  EXPECT_NO_THROW(RefuseForeignContent("a.csv", ""));
  for (const std::string_view first : {"\x1f\x8b\x08"sv, "PK\x03\x04"sv, "<!DOCTYPE html>"sv,
                                       "version https://git-lfs.github.com/spec/v1\n"sv}) {
    EXPECT_THAT(test::MessageOf([&] { RefuseForeignContent("a.csv", first); }), HasSubstr("a.csv: "))
        << first;
  }
}

}  // namespace
}  // namespace gemtune::data
