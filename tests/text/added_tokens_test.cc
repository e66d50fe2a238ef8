#include "gemtune/text/added_tokens.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/support/message_of.h"

namespace gemtune::text {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::HasSubstr;

std::vector<AddedToken> Tokens(const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  tokens.reserve(contents.size());
  for (const std::string& content : contents) {
    tokens.push_back({.id = static_cast<int32_t>(tokens.size()), .content = content});
  }
  return tokens;
}

std::string Marked(const AddedTokenFinder& finder, std::string_view text) {
  std::string marked;
  size_t done = 0;
  while (const auto match = finder.Find(text, done)) {
    marked += text.substr(done, match->begin - done);
    marked += fmt::format("[{}]", match->id);
    done = match->end;
  }
  return marked += text.substr(done);
}

TEST(AddedTokenFinder, TakesTheLeftmostThenTheLongest) {
  const AddedTokenFinder finder(Tokens({"ab", "abcd", "bcde", "\n", "\n\n\n", "<b>"}));
  EXPECT_EQ(Marked(finder, ""), "");
  EXPECT_EQ(Marked(finder, "xyz"), "xyz");
  EXPECT_EQ(Marked(finder, "abcde"), "[1]e");
  EXPECT_EQ(Marked(finder, "abcx"), "[0]cx");
  EXPECT_EQ(Marked(finder, "xbcde"), "x[2]");
  EXPECT_EQ(Marked(finder, "aabab"), "a[0][0]");
  EXPECT_EQ(Marked(finder, "\n\n\n\n\n"), "[4][3][3]");
  EXPECT_EQ(Marked(finder, "<b<b>>"), "<b[5]>");
}

TEST(AddedTokenFinder, FindsNothingWithoutTokens) {
  EXPECT_EQ(AddedTokenFinder({}).Find("abc", 0), std::nullopt);
}

TEST(AddedTokenFinder, AgreesWithTryingEveryTokenAtEveryPlace) {
  std::mt19937 random(7);
  const auto word = [&](size_t most) {
    std::string made(1 + random() % most, ' ');
    for (char& c : made) c = static_cast<char>('a' + random() % 3);
    return made;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> contents;
    contents.reserve(6);
    for (int i = 0; i < 6; ++i) contents.push_back(word(4));
    std::ranges::sort(contents);
    contents.erase(std::unique(contents.begin(), contents.end()), contents.end());
    const std::string text = word(30);
    const auto match = AddedTokenFinder(Tokens(contents)).Find(text, 0);
    size_t begin = 0, longest = 0;
    for (; begin < text.size() && longest == 0; ++begin) {
      for (const std::string& content : contents) {
        if (text.compare(begin, content.size(), content) == 0) longest = std::max(longest, content.size());
      }
    }
    ASSERT_EQ(match.has_value(), longest > 0);
    if (!match) continue;
    EXPECT_EQ(match->begin, begin - 1);
    EXPECT_EQ(match->end - match->begin, longest);
    EXPECT_EQ(contents[match->id], text.substr(match->begin, longest));
  }
}

TEST(ParseAddedToken, ReadsPlainTokensAndRefusesOthers) {
  const auto token = nlohmann::json::parse(R"({"content": "<b>", "special": true, "lstrip": false})");
  const AddedToken parsed = ParseAddedToken(7, token, "f");
  EXPECT_EQ(parsed.id, 7);
  EXPECT_EQ(parsed.content, "<b>");
  EXPECT_TRUE(parsed.special);
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    auto wrong = token;
    wrong[flag] = true;
    EXPECT_EQ(MessageOf([&] { ParseAddedToken(7, wrong, "f"); }),
              std::string("f: added token '<b>' sets '") + flag + "', which is not supported");
  }
  for (const char* wrong : {"{}", "[]", "null", "\"<b>\"", R"({"content": 3})"}) {
    EXPECT_THAT(MessageOf([&] { ParseAddedToken(7, nlohmann::json::parse(wrong), "f"); }),
                HasSubstr("no 'content'"));
  }
}

}  // namespace
}  // namespace gemtune::text
