#include "gemtune/text/unicode.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace gemtune::text {
namespace {

// Both as tokenizers 0.23.3 says, of a token with single_word or rstrip beside each character.
TEST(IsWordCharacter, IsTheRegexCratesW) {
  constexpr std::u32string_view kWord =
      U"aZ7_"
      U"\u00aa\u00b5\u00e9\u00df\u02b0\u0301\u0627\u0663\u0903\u0e31\u200c\u200d\u203f\u20dd\u2167\u24b6"
      U"\u24d0"
      U"\u3042\u3400\u65e5\ufe0f\uff3f\U00010400\U0001d7ce\U0001f130\U0001f149\U0001f150\U0001f169\U0001f170"
      U"\U0001f189"
      U"\U00020000\U000e0100";
  for (const char32_t character : kWord)
    EXPECT_TRUE(IsWordCharacter(character)) << std::hex << uint32_t{character};
  constexpr std::u32string_view kOther =
      U"\0 "
      U"-.'<>@"
      U"\n\u00a0\u00ad\u00b2\u00bd\u2019\u200b\u2028\u2060\u24b5\u24ea\u2581\u3000\u3001\ue000\ufeff\uffff"
      U"\U0001f12f\U0001f14a\U0001f16a\U0001f18a\U0001f600\U0010ffff";
  for (const char32_t character : kOther)
    EXPECT_FALSE(IsWordCharacter(character)) << std::hex << uint32_t{character};
}

TEST(IsWhiteSpace, IsTheRegexCratesS) {
  std::vector<uint32_t> found;
  for (char32_t character = 0; character <= 0x10ffff; ++character) {
    if (IsWhiteSpace(character)) found.push_back(character);
  }
  EXPECT_EQ(found,
            (std::vector<uint32_t>{0x9,    0xa,    0xb,    0xc,    0xd,    0x20,   0x85,   0xa0,   0x1680,
                                   0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                   0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000}));
}

}  // namespace
}  // namespace gemtune::text
