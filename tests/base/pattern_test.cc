#include "gemtune/base/pattern.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/message_of.h"

namespace gemtune {
namespace {

using test::MessageOf;
using testing::HasSubstr;

std::string Complaint(const std::string& text) {
  return MessageOf([&] { Pattern(text, "--option"); });
}

// golden/generate_pattern.py: 1,100 answers of Python's re.
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

TEST(Pattern, WhatIsNoneIsAnErrorThatSaysWhy) {
  EXPECT_EQ(Complaint("(a"), "--option '(a' is no regular expression: a '(' without its ')'");
  EXPECT_THAT(Complaint("a)"), HasSubstr("a ')' without its '('"));
  EXPECT_THAT(Complaint("[a"), HasSubstr("a '[' without its ']'"));
  EXPECT_THAT(Complaint("[z-a]"), HasSubstr("a bad range"));
  EXPECT_THAT(Complaint("*a"), HasSubstr("nothing to repeat before '*'"));
  EXPECT_THAT(Complaint("a**"), HasSubstr("a repetition of a repetition"));
  EXPECT_THAT(Complaint("a{2,1}"), HasSubstr("n less than m"));
  EXPECT_THAT(Complaint("a{x}"), HasSubstr("no number up to 1000"));
  EXPECT_THAT(Complaint("a{2"), HasSubstr("a '{' without its '}'"));
  EXPECT_THAT(Complaint("a\\"), HasSubstr("a '\\' at its end"));
  EXPECT_THAT(Complaint("(a)\\1"), HasSubstr("'\\1' is not supported"));
  EXPECT_THAT(Complaint("(?<=a)b"), HasSubstr("looking behind"));
  EXPECT_THAT(Complaint("(?i)a"), HasSubstr("unknown kind"));
  EXPECT_THAT(Complaint("(?P<a"), HasSubstr("name without its '>'"));
}

// std::regex runs out of stack on the first two and out of patience on the others.
TEST(Pattern, AnHostileExpressionTakesNeitherStackNorTime) {
  EXPECT_THAT(Complaint(std::string(2000, '(')), HasSubstr("nested more than 50 deep"));
  EXPECT_THAT(Complaint(std::string(100'000, 'a')), HasSubstr("longer than 4096 bytes"));
  EXPECT_THAT(Complaint("(((a{1000}){1000}){1000}){1000}"), HasSubstr("too large"));
  EXPECT_THAT(Complaint("(((){1000}){1000}){1000}"), HasSubstr("too large"));
  const std::string name(200, 'a');
  EXPECT_FALSE(Pattern("(a*)*(a*)*(a|aa)*(.*)*x", "").Matches(name));
  EXPECT_FALSE(Pattern("(a?){200}a{200}", "").Matches(std::string(199, 'a')));
  std::string nested = "x";
  for (int i = 0; i < 40; ++i) nested = "(?=.*" + nested + ")a";
  EXPECT_FALSE(Pattern(nested, "").IsFoundIn(name));
}

}  // namespace
}  // namespace gemtune
