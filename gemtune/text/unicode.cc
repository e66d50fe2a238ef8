#include "gemtune/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace gemtune::text {
namespace {

struct Range {
  char32_t first = 0;
  char32_t last = 0;
};

// Alphabetic, though symbols by category: letters in circles and squares (Other_Alphabetic of PropList.txt;
// its others are marks).
constexpr std::array<Range, 4> kAlphabeticSymbols = {
    {{0x24b6, 0x24e9}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}}};

constexpr std::array<Range, 10> kWhiteSpace = {{{0x9, 0xd},
                                                {0x20, 0x20},
                                                {0x85, 0x85},
                                                {0xa0, 0xa0},
                                                {0x1680, 0x1680},
                                                {0x2000, 0x200a},
                                                {0x2028, 0x2029},
                                                {0x202f, 0x202f},
                                                {0x205f, 0x205f},
                                                {0x3000, 0x3000}}};

template <size_t n>
bool Contains(const std::array<Range, n>& ranges, char32_t character) {
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return range.first <= character && character <= range.last; });
}

}  // namespace

bool IsWordCharacter(char32_t character) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    case UTF8PROC_CATEGORY_CF:
      return character == 0x200c || character == 0x200d;  // Join_Control
    case UTF8PROC_CATEGORY_SO:
      return Contains(kAlphabeticSymbols, character);
    default:
      return false;
  }
}

bool IsWhiteSpace(char32_t character) {
  return Contains(kWhiteSpace, character);
}

}  // namespace gemtune::text
