#include "gemtune/text/utf8.h"

#include <gtest/gtest.h>

#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

TEST(Utf8, ReplacesWhatPythonReplaces) {
  size_t damaged = 0;
  for (const auto& golden : TinyGolden("damaged")) {
    std::string bytes;
    for (const int byte : golden["bytes"]) bytes += static_cast<char>(byte);
    const auto expected = golden["text"].get<std::string>();
    EXPECT_EQ(ReplaceInvalidUtf8(bytes), expected) << golden["bytes"];
    EXPECT_EQ(ValidUtf8Prefix(bytes) == bytes.size(), bytes == expected) << golden["bytes"];
    damaged += bytes == expected ? 0 : 1;
  }
  EXPECT_GT(damaged, 300u);
}

TEST(Utf8, FindsTheFirstFaultAtAnyPlace) {
  for (size_t size = 0; size < 40; ++size) {
    const std::string valid(size, 'a');
    EXPECT_EQ(ValidUtf8Prefix(valid), size);
    for (size_t at = 0; at < size; ++at) {
      std::string text = valid;
      text[at] = '\x80';
      EXPECT_EQ(ValidUtf8Prefix(text), at);
    }
  }
}

TEST(Utf8, LengthsByFirstByte) {
  for (const std::string_view character : {"a", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(Utf8Length(character[0]), character.size());
  }
}

TEST(Utf8, TakesCharactersOffBothEnds) {
  struct Character {
    std::string_view bytes;
    char32_t value = 0;
  };
  const std::vector<Character> characters = {{"a", U'a'},
                                             {{"\0", 1}, 0},
                                             {"\x7f", 0x7f},
                                             {"\xc2\x80", 0x80},
                                             {"\xdf\xbf", 0x7ff},
                                             {"\xe0\xa0\x80", 0x800},
                                             {"\xe6\x97\xa5", 0x65e5},
                                             {"\xef\xbf\xbf", 0xffff},
                                             {"\xf0\x90\x80\x80", 0x10000},
                                             {"\xf4\x8f\xbf\xbf", 0x10ffff}};
  for (const Character& first : characters) {
    for (const Character& last : characters) {
      const std::string text = std::string(first.bytes) + std::string(last.bytes);
      EXPECT_EQ(FirstCharacter(text), first.value);
      EXPECT_EQ(LastCharacter(text), last.value);
      EXPECT_EQ(LastCharacterSize(text), last.bytes.size());
    }
    EXPECT_EQ(LastCharacter(first.bytes), first.value);
  }
}

}  // namespace
}  // namespace gemtune::text
