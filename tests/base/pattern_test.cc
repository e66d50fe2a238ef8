#include "gemtune/base/pattern.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/message_of.h"

namespace gemtune {
namespace {

using test::MessageOf;
using testing::HasSubstr;

std::string Complaint(const std::string& text) {
  return MessageOf([&] { Pattern(text, "`option`"); });
}

// golden/generate_pattern.py: 1,400 answers of Python's re.
TEST(Pattern, AgreesWithPython) {
  std::ifstream golden(GEMTUNE_SOURCE_DIR "/tests/base/golden/pattern.tsv");
  int lines = 0;
  for (std::string text, name, full, part; std::getline(golden, text, '\t'); ++lines) {
    ASSERT_TRUE(std::getline(golden, name, '\t') && std::getline(golden, full, '\t') &&
                std::getline(golden, part));
    const Pattern pattern(text, "");
    EXPECT_EQ(pattern.Matches(name), full == "1") << text << " on " << name;
    EXPECT_EQ(pattern.IsFoundIn(name), part == "1") << text << " in " << name;
  }
  EXPECT_GT(lines, 1000);
}

TEST(Pattern, FindsItsFirstGroup) {
  const auto find = [](const char* expression, std::string_view text) {
    return Pattern(expression, "").Find(text);
  };
  EXPECT_EQ(find("#### (-?[0-9.,]+)", "x\n#### -7,1 #### 8"), "-7,1");
  EXPECT_EQ(find("[0-9]+", "ab 12 3"), "12");
  EXPECT_EQ(find("(a)(b)(c)(d)", "xabcd"), "a");
  EXPECT_EQ(find("(a)|b", "b"), "b");
  EXPECT_EQ(find("(a)|(b)", "b"), "");
  EXPECT_EQ(find("(x*)", "b"), "");
  EXPECT_EQ(find("a", "b"), std::nullopt);
}

TEST(Pattern, WhatIsNoneIsAnErrorThatSaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Complaint("ab(c"),
            "`option` 'ab(c' is not a regular expression: missing closing parenthesis (at byte 4 of 4)");
  EXPECT_THAT(Complaint("a)"), HasSubstr("unmatched closing parenthesis (at byte 1 of 2)"));
  EXPECT_THAT(Complaint("[a"), HasSubstr("missing terminating ] for character class"));
  EXPECT_THAT(Complaint("[z-a]"), HasSubstr("range out of order"));
  EXPECT_THAT(Complaint("*a"), HasSubstr("quantifier does not follow a repeatable item"));
  EXPECT_THAT(Complaint("a**"), HasSubstr("quantifier does not follow a repeatable item"));
  EXPECT_THAT(Complaint("a{2,1}"), HasSubstr("numbers out of order"));
  EXPECT_THAT(Complaint("a{,1}"), HasSubstr("write {0,n}"));
  EXPECT_THAT(Complaint("a\\"), HasSubstr("\\ at end of pattern"));
  EXPECT_THAT(Complaint("\\1"), HasSubstr("reference to non-existent subpattern"));
  EXPECT_THAT(Complaint("(?<=a+)b"), HasSubstr("lookbehind"));
  EXPECT_THAT(Complaint("(?P<a"), HasSubstr("subpattern name"));
  EXPECT_THAT(Complaint("(*UTF)a"), HasSubstr("disabled"));
}

TEST(Pattern, TakesNamesForBytesOfOneLine) {
  EXPECT_FALSE(Pattern("a$", "").IsFoundIn("a\n"));  // Python: before the last line's end too
  EXPECT_FALSE(Pattern(".", "").Matches("\n"));
  EXPECT_TRUE(Pattern(".", "").Matches("\r"));
  EXPECT_TRUE(Pattern("..", "").Matches("\u00e4"));
  EXPECT_FALSE(Pattern("\\w", "").IsFoundIn("\u00e4"));
  EXPECT_TRUE(Pattern("\xff", "").Matches("\xff"));
}

// std::regex runs out of stack on the first two and out of patience on the others.
TEST(Pattern, AnHostileExpressionTakesNeitherStackNorTime) {
  EXPECT_THAT(Complaint(std::string(2000, '(')), HasSubstr("too deeply nested (at byte 51 of 2000)"));
  EXPECT_THAT(Complaint(std::string(100'000, 'a')), HasSubstr("longer than 4096 bytes"));
  EXPECT_THAT(Complaint("(((a{1000}){1000}){1000}){1000}"), HasSubstr("too large"));
  const std::string name(200, 'a');
  std::string nested = "x";
  for (int i = 0; i < 40; ++i) nested = "(?=.*" + nested + ")a";
  const std::string patterns[] = {nested, "(a*)*(a*)*(a|aa)*(.*)*[xy]", "(a?){100}(?:a?){100}[xy]"};
  for (const std::string& text : patterns) {
    const Pattern pattern(text, "`option`");
    const auto search = [&] { EXPECT_FALSE(pattern.IsFoundIn(name)); };
    EXPECT_THAT(MessageOf(search), HasSubstr("takes too many steps to match 'aaa")) << text;
  }
  EXPECT_THAT(MessageOf([&] { Pattern("(a|(?R))*[xy]", "`option`").Matches(name); }),
              HasSubstr("nested recursion"));
}

// What a model's author may write on the longest of Gemma 3's names is far from the limit.
TEST(Pattern, AnExpressionOfManyStarsIsNotTakenForHostile) {
  const std::string name = "base_model.model.model.language_model.layers.33.self_attn.q_proj.lora_A.weight";
  EXPECT_TRUE(Pattern(R"(.*model.*\.layers\..*\.(?:self_attn|mlp)\..*_proj.*\.lora_A.*)", "").Matches(name));
  EXPECT_FALSE(Pattern(R"(.*(model|layers).*(self_attn|mlp).*_proj.*\.(lora_B|bias).*)", "").Matches(name));
}

}  // namespace
}  // namespace gemtune
