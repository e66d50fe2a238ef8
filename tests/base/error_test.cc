#include "gemtune/base/error.h"

#include <gtest/gtest.h>

namespace gemtune {
namespace {

TEST(Error, FailFormatsTheMessage) {
  try {
    Fail("{}: row {}", "a.csv", 7);
    FAIL() << "Fail returned";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "a.csv: row 7");
  }
}

TEST(Printable, EscapesWhatATerminalWouldAct) {
  EXPECT_EQ(Printable("plain"), "plain");
  EXPECT_EQ(Printable("a\nb\tc\x1b[31m\xff"), "a\\nb\\tc\\x1b[31m\\xff");
  EXPECT_EQ(Printable("abcdef", 3), "abc...");
  EXPECT_EQ(Printable("abc", 3), "abc");
}

TEST(DidYouMean, NamesTheNearestOnly) {
  const std::vector<std::string> known = {"text", "label", "learning-rate"};
  EXPECT_EQ(DidYouMean("txt", known), " (did you mean 'text'?)");
  EXPECT_EQ(DidYouMean("learning_rate", known), " (did you mean 'learning-rate'?)");
  EXPECT_EQ(DidYouMean("completely-different", known), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
  EXPECT_EQ(DidYouMean("text", {"te\nxt"}), " (did you mean 'te\\nxt'?)");
  EXPECT_EQ(DidYouMean(std::string(10'000'000, 'x'), std::vector<std::string>(10'000, "short")), "");
}

TEST(Listed, QuotesAndCuts) {
  EXPECT_EQ(Listed({}), "");
  EXPECT_EQ(Listed({"a", "b\n"}), "'a', 'b\\n'");
  EXPECT_EQ(Listed({"a", "b", "c"}, 2), "'a', 'b', ... (3 in all)");
}

TEST(Check, ThrowsLogicErrorWithItsPlace) {
  EXPECT_NO_THROW(GEMTUNE_CHECK(1 + 1 == 2));
  try {
    GEMTUNE_CHECK(1 + 1 == 3);
    FAIL() << "the check passed";
  } catch (const std::logic_error& error) {
    EXPECT_NE(std::string(error.what()).find("1 + 1 == 3"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("error_test.cc"), std::string::npos);
  }
}

TEST(DidYouMean, DoesNotCompareMegabytes) {
  const std::string typed(size_t{1} << 20, 'x');
  EXPECT_EQ(DidYouMean(typed, {typed.substr(1)}), "");  // letter by letter it would take an hour
}

}  // namespace
}  // namespace gemtune
