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
    marked += fmt::format("[{}]", match->index);
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
    EXPECT_EQ(contents[match->index], text.substr(match->begin, longest));
  }
}

// A text with its tokens as "[id:what belongs to it]" and the rest as "(...)".
std::string Cut(const AddedTokenSplitter& splitter, std::string_view text) {
  std::string cut;
  splitter.Split(text, [&](std::string_view part, int32_t id) {
    cut += id == kNoId ? fmt::format("({})", part) : fmt::format("[{}:{}]", id, part);
  });
  return cut;
}

std::string Cut(const std::vector<AddedToken>& tokens, std::string_view text) {
  return Cut(AddedTokenSplitter(tokens, /*normalized=*/false), text);
}

TEST(AddedTokenSplitter, CutsAtTokensWithoutFlags) {
  const AddedTokenSplitter splitter(Tokens({"<a>", "<b>"}), /*normalized=*/false);
  EXPECT_FALSE(splitter.empty());
  EXPECT_EQ(Cut(splitter, ""), "");
  EXPECT_EQ(Cut(splitter, "x"), "(x)");
  EXPECT_EQ(Cut(splitter, " <a><b> y<b>"), "( )[0:<a>][1:<b>]( y)[1:<b>]");
}

TEST(AddedTokenSplitter, TakesTheTokensOfItsKindAlone) {
  const std::vector<AddedToken> tokens = {{.id = 7, .content = "a b"},
                                          {.id = 8, .content = "a b", .normalized = true}};
  EXPECT_EQ(Cut(AddedTokenSplitter(tokens, false), "a b a\u2581b"), "[7:a b]( a\u2581b)");
  EXPECT_EQ(Cut(AddedTokenSplitter(tokens, true), "a b a\u2581b"), "(a b )[8:a\u2581b]");
  EXPECT_TRUE(AddedTokenSplitter({}, false).empty());
  EXPECT_TRUE(AddedTokenSplitter(std::span(tokens).first(1), true).empty());
}

TEST(AddedTokenSplitter, SingleWordsStandBesideNoWordCharacter) {
  const std::vector<AddedToken> tokens = {{.id = 0, .content = "ab", .single_word = true},
                                          {.id = 1, .content = "b"}};
  EXPECT_EQ(Cut(tokens, "ab ab.ab\u2581ab"), "[0:ab]( )[0:ab](.)[0:ab](\u2581)[0:ab]");
  for (const char* word : {"abc", "ab_", "ab7", "ab\u00e9", "ab\u0301", "ab\u200d"}) {
    EXPECT_EQ(Cut(tokens, word), fmt::format("({})", word));
  }
  // What was passed over is not searched again for a shorter token.
  EXPECT_EQ(Cut(tokens, "xab"), "(xab)");
  EXPECT_EQ(Cut(tokens, "xabb"), "(xab)[1:b]");
}

TEST(AddedTokenSplitter, StrippingTokensTakeWhiteSpaceAlong) {
  const std::vector<AddedToken> tokens = {{.id = 0, .content = "<l>", .lstrip = true},
                                          {.id = 1, .content = "<r>", .rstrip = true},
                                          {.id = 2, .content = "\n"},
                                          {.id = 3, .content = "\r", .lstrip = true}};
  EXPECT_EQ(Cut(tokens, "x \t\u3000<l> y"), "(x)[0: \t\u3000<l>]( y)");
  EXPECT_EQ(Cut(tokens, "x <r> \u00a0\u2028y"), "(x )[1:<r> \u00a0\u2028](y)");
  EXPECT_EQ(Cut(tokens, "\u2581<l>\u200b<r>\u2581"), "(\u2581)[0:<l>](\u200b)[1:<r>](\u2581)");
  EXPECT_EQ(Cut(tokens, "<r> <l>"), "[1:<r> ][0:<l>]");
  // A token in white space that the previous one includes counts as well, and so does the text after it.
  EXPECT_EQ(Cut(tokens, "<r> \n x"), "[1:<r> \n ][2:\n]( x)");
  // Nothing is left for this one but its id to give up.
  EXPECT_EQ(Cut(tokens, "<r>\r"), "[1:<r>\r]");
  EXPECT_EQ(Cut(tokens, "<r>\r\rx"), "[1:<r>\r\r][3:\r](x)");
}

TEST(AddedTokenSplitter, WalksWhiteSpaceOnce) {
  // A walk from each of a million tokens to the end would take days.
  const std::vector<AddedToken> tokens = {{.id = 0, .content = "\n", .lstrip = true, .rstrip = true}};
  const std::string text(1000000, '\n');
  size_t count = 0;
  AddedTokenSplitter(tokens, false).Split(text, [&](std::string_view, int32_t) { ++count; });
  EXPECT_EQ(count, 1u);
  const std::vector<AddedToken> right = {{.id = 0, .content = "\n", .rstrip = true}};
  count = 0;
  AddedTokenSplitter(right, false).Split(text, [&](std::string_view, int32_t) { ++count; });
  EXPECT_EQ(count, text.size());
}

TEST(ParseAddedToken, ReadsTheFlags) {
  const auto parse = [](const char* token) { return ParseAddedToken(7, nlohmann::json::parse(token), "f"); };
  const AddedToken plain = parse(R"({"content": "<b>", "special": true, "lstrip": false})");
  EXPECT_EQ(plain.id, 7);
  EXPECT_EQ(plain.content, "<b>");
  EXPECT_TRUE(plain.special);
  EXPECT_FALSE(plain.single_word || plain.lstrip || plain.rstrip || plain.normalized);
  EXPECT_TRUE(parse(R"({"content": "<b>", "single_word": true})").single_word);
  EXPECT_TRUE(parse(R"({"content": "<b>", "lstrip": true})").lstrip);
  EXPECT_TRUE(parse(R"({"content": "<b>", "rstrip": true})").rstrip);
  EXPECT_TRUE(parse(R"({"content": "<b>", "special": true, "normalized": true})").normalized);
  EXPECT_FALSE(parse(R"({"content": "<b>", "normalized": false})").normalized);
  // As Python's AddedToken, which has normalized = not special.
  EXPECT_TRUE(parse(R"({"content": "<b>"})").normalized);
}

TEST(ParseAddedToken, RefusesWhatIsNone) {
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized", "special"}) {
    for (const nlohmann::json& value : {nlohmann::json(), nlohmann::json(1), nlohmann::json("true")}) {
      const nlohmann::json wrong = {{"content", "<b>"}, {flag, value}};
      EXPECT_EQ(MessageOf([&] { ParseAddedToken(7, wrong, "f"); }),
                fmt::format("f: '{}' of the added token '<b>' is not true or false", flag));
    }
  }
  for (const char* wrong : {"{}", "[]", "null", "\"<b>\"", R"({"content": 3})"}) {
    EXPECT_THAT(MessageOf([&] { ParseAddedToken(7, nlohmann::json::parse(wrong), "f"); }),
                HasSubstr("no 'content'"));
  }
}

}  // namespace
}  // namespace gemtune::text
