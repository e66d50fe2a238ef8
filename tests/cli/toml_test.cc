#include "gemtune/cli/toml.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> ValuesOf(const std::string& text) {
  const std::vector<TomlEntry> entries = ParseToml("key = " + text, "f.toml");
  EXPECT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries.front().key, "key");
  return entries.front().values;
}

TEST(ParseToml, ReadsKeysAndValues) {
  const auto entries = ParseToml(
      "\n# a comment, isn't it\n  learning-rate = 1e-5\r\nflag=true# on\nlast = \"no line's end\"", "f.toml");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].key, "learning-rate");
  EXPECT_THAT(entries[0].values, ElementsAre("1e-5"));
  EXPECT_EQ(entries[1].key, "flag");
  EXPECT_THAT(entries[1].values, ElementsAre("true"));
  EXPECT_THAT(entries[2].values, ElementsAre("no line's end"));
  EXPECT_THAT(ParseToml("", "f.toml"), IsEmpty());
}

TEST(ParseToml, AHashInQuotesIsNoComment) {
  EXPECT_THAT(ValuesOf("\"a # b\"  # c \" d"), ElementsAre("a # b"));
  EXPECT_THAT(ValuesOf("'a#b'#c"), ElementsAre("a#b"));
  EXPECT_THAT(ValuesOf("5#6"), ElementsAre("5"));
}

TEST(ParseToml, ReadsEscapesInDoubleQuotesAlone) {
  EXPECT_THAT(ValuesOf(R"("a\"b\\c\n#d")"), ElementsAre("a\"b\\c\n#d"));
  EXPECT_THAT(ValuesOf(R"('a\"b')"), ElementsAre("a\\\"b"));
  EXPECT_THAT(ValuesOf(R"("")"), ElementsAre(""));
}

TEST(ParseToml, ReadsArrays) {
  EXPECT_THAT(ValuesOf("[\"a, b\", 'c]', 3]"), ElementsAre("a, b", "c]", "3"));
  EXPECT_THAT(ValuesOf("[ # one\n  \"a\", # two\n\n  'b',\n]  # three\n"), ElementsAre("a", "b"));
  EXPECT_THAT(ValuesOf("[]"), IsEmpty());
}

TEST(ParseToml, NamesTheLineOfWhatIsWrong) {
  const auto fault = [](const std::string& text) {
    return test::MessageOf([&] { ParseToml("a = 1\n" + text, "f.toml"); });
  };
  EXPECT_EQ(fault("b = \"it's # open\n"), "f.toml: line 2: a quote is not closed");
  EXPECT_EQ(fault("b = 'open"), "f.toml: line 2: a quote is not closed");
  EXPECT_EQ(fault("b = \"open\\"),
            "f.toml: line 2: \\\\n stands for nothing; write \\\\ or put the text in '...'");
  EXPECT_THAT(fault("b = \"\\d\"\n"), HasSubstr("line 2: \\d stands for nothing"));
  EXPECT_THAT(fault("b = \n"), HasSubstr("line 2: 'b' has no value"));
  EXPECT_THAT(fault("b = ["), HasSubstr("line 2: 'b' has no value"));
  EXPECT_THAT(fault("b = [1 2]"), HasSubstr("without a comma"));
  EXPECT_THAT(fault("b = [1"), HasSubstr("no ]"));
  EXPECT_THAT(fault("b = [[1]]"), HasSubstr("'b' has no value"));
  EXPECT_THAT(fault("b = c d\n"), HasSubstr("line 2: there is more behind the value of 'b'"));
  EXPECT_THAT(fault("\n[section]\nb = 1\n"), HasSubstr("line 3: '[section]' is not followed by ="));
  EXPECT_THAT(fault("b\n"), HasSubstr("'b' is not followed by ="));
  EXPECT_THAT(fault("= 1\n"), HasSubstr("'' is not followed by ="));
  EXPECT_THAT(fault("a = 2\n"), HasSubstr("line 2: 'a' occurs twice"));
  EXPECT_THAT(fault("b\x1b = 1\nb\x1b = 2\n"), HasSubstr("'b\\x1b' occurs twice"));
}

TEST(TomlString, IsReadBackAsItIs) {
  for (const char* text : {"", "plain", "a # b", "with \"quotes\"", "it's", "it's \"both\"", "back\\slash",
                           "it's back\\slash", "two\nlines\tand a tab", "ends in \\"}) {
    EXPECT_THAT(ValuesOf(TomlString(text)), ElementsAre(text)) << TomlString(text);
    EXPECT_EQ(TomlString(text).find('\n'), std::string::npos);
  }
  EXPECT_EQ(TomlString("plain"), "\"plain\"");
}

}  // namespace
}  // namespace gemtune::cli
