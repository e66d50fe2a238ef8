#include "gemtune/cli/explanation.h"

#include <gmock/gmock.h>

namespace gemtune::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const ShownExplanation kExplanation{
    .label = "good",
    .score = "0.90",
    .logit = 2,
    .baseline_logit = 0.5,
    .pieces = {{"<bos>", 0}, {" warm", 1}, {" & dull\x1b[2J", -0.5}, {"\u009b2J é", 0}}};

TEST(Explanation, IsJsonThatAddsUp) {
  const auto json = ToJson(kExplanation);
  EXPECT_EQ(json["label"], "good");
  EXPECT_EQ(json["tokens"].size(), 4u);
  EXPECT_EQ(json["tokens"][1]["token"], " warm");
  EXPECT_EQ(json["tokens"][1]["contribution"], 1.0);
}

TEST(Explanation, IsColouredForATerminalAndSendsItNoCommands) {
  const std::string text = Colored(kExplanation);
  EXPECT_TRUE(text.starts_with(
      "good 0.90  logit 2.000, 0.500 without the text\n<bos>\x1b[30;48;2;55;255;55m warm\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[30;48;2;255;155;155m & dull [2J\x1b[0m  2J é\n"));
}

TEST(Explanation, IsAPageWithEscapedTexts) {
  const std::string page = ExplanationPage({kExplanation});
  EXPECT_THAT(page,
              HasSubstr("<span title=\"+1.0000\" style=\"background:rgba(0,160,60,0.75)\"> warm</span>"));
  EXPECT_THAT(page, HasSubstr("&lt;bos&gt;"));
  EXPECT_THAT(page, HasSubstr("> &amp; dull"));
  EXPECT_THAT(page, Not(HasSubstr("<bos>")));
}

}  // namespace
}  // namespace gemtune::cli
