#include "gemtune/data/labels/label_text.h"

#include <gmock/gmock.h>

#include <cmath>

namespace gemtune::data {
namespace {

TEST(LabelText, TrimsTheWhiteSpaceOfAscii) {
  EXPECT_EQ(Trimmed(" \t\r\n\v\fa b "), "a b");
  EXPECT_EQ(Trimmed("a"), "a");
  EXPECT_EQ(Trimmed(" "), "");
  EXPECT_EQ(Trimmed("\xc2\xa0"), "\xc2\xa0");
}

TEST(LabelText, ReadsNumbersAsPandasDoes) {
  for (const char* text : {"1.5", " 1.5", "+1.5", "1.5 ", "\t+1.5\r", "15e-1", "01.5"})
    EXPECT_EQ(NumberOf(text), 1.5) << text;
  EXPECT_EQ(NumberOf("-3"), -3);
  for (const char* text : {"", " ", "+", "-", "+-1", "++1", "- 1", "+ 1", "1,5", "1 5", "nan", "inf", "-inf",
                           "1e999", "0x10", "one"})
    EXPECT_EQ(NumberOf(text), std::nullopt) << text;
}

TEST(LabelText, ReadsIntegersHoweverTheyAreWritten) {
  for (const char* text : {"3", " 3", "3 ", "+3", "3.0", "+3.00 "}) {
    EXPECT_EQ(IntegerOf(text), 3) << text;
    EXPECT_EQ(PlainIntegerOf(text), 3) << text;
  }
  for (const char* text : {"03", "+03.0", "3e0", "0.3e1", "003"}) {
    EXPECT_EQ(IntegerOf(text), 3) << text;
    EXPECT_EQ(PlainIntegerOf(text), std::nullopt) << text;
  }
  for (const char* text : {"", "3.5", "3a", "a3", "3-", "9223372036854775808", "1e300", "nan"}) {
    EXPECT_EQ(IntegerOf(text), std::nullopt) << text;
    EXPECT_EQ(PlainIntegerOf(text), std::nullopt) << text;
  }
  for (const char* text : {"0", "-0", "+0.0", "-0.0"}) EXPECT_EQ(PlainIntegerOf(text), 0) << text;
  EXPECT_EQ(PlainIntegerOf("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(IntegerOf("9007199254740993"), 9007199254740993);  // no double
}

TEST(LabelText, KnowsFractionsAndMissingValues) {
  for (const char* text : {"0.5", " -0.5", "+1.25 "}) EXPECT_TRUE(IsFraction(text)) << text;
  for (const char* text : {"1", "1.0", "a", "", "nan"}) EXPECT_FALSE(IsFraction(text)) << text;
  for (const char* text : {"NA", " nan", "None ", "?"}) EXPECT_TRUE(MarksMissing(text)) << text;
  for (const char* text : {"na", "n", "", "0"}) EXPECT_FALSE(MarksMissing(text)) << text;
}

TEST(LabelText, KnowsTheTruthValuesOfPandas) {
  for (const char* text : {"True", "TRUE", "true", " true", "True\t"}) EXPECT_EQ(TruthOf(text), true) << text;
  for (const char* text : {"False", "FALSE", "false", "false "}) EXPECT_EQ(TruthOf(text), false) << text;
  for (const char* text : {"tRUE", "yes", "T", "1", "", "truee"})
    EXPECT_EQ(TruthOf(text), std::nullopt) << text;
  for (const bool truth : {false, true}) EXPECT_EQ(TruthOf(TruthName(truth)), truth);
}

TEST(LabelText, KnowsWhatAListLooksLike) {
  for (const char* text : {"['a', 'b']", "[1, 2]", "[]", " ['a'] ", "[1]", "[\"a\"]", "{'a': 1}",
                           "{\"a\", \"b\"}", "{}", "[a, b]"})
    EXPECT_TRUE(LooksLikeList(text)) << text;
  for (const char* text : {"", "[", "a", "[other]", "[UNK]", "{x}", "[1, 2", "(1, 2)", "a[1, 2]"})
    EXPECT_FALSE(LooksLikeList(text)) << text;
}

TEST(LabelText, AWholeNumberIsOneThatADoubleHoldsExactly) {
  EXPECT_EQ(WholeNumber(-3.0), -3);
  EXPECT_EQ(WholeNumber(9007199254740992.0), 9007199254740992);
  for (const double value : {0.5, 1e300, std::nan(""), HUGE_VAL}) EXPECT_EQ(WholeNumber(value), std::nullopt);
}

}  // namespace
}  // namespace gemtune::data
