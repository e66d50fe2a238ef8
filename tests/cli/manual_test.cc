#include "gemtune/cli/manual.h"

#include <gmock/gmock.h>

#include <sstream>

#include "gemtune/cli/commands.h"
#include "tests/cli/run_program.h"

namespace gemtune::cli {
namespace {

using testing::HasSubstr;

// As man shows it: without fonts and escapes.
std::string Plain(std::string page) {
  for (const auto& [from, to] : {std::pair("\\fB", ""), std::pair("\\fI", ""), std::pair("\\fR", ""),
                                 std::pair("\\-", "-"), std::pair("\\&", ""), std::pair("\\e", "\\")}) {
    for (size_t at = 0; (at = page.find(from, at)) != std::string::npos;)
      page.replace(at, std::string_view(from).size(), to);
  }
  return page;
}

TEST(Manual, HasEveryOptionOfEveryCommand) {
  const std::string page = Plain(ManualPage());
  for (const CommandRow& row : Commands()) {
    const size_t begin = page.find(".SS gemtune " + row.name + "\n");
    ASSERT_NE(begin, std::string::npos) << row.name;
    const std::string section = page.substr(begin, page.find("\n.S", begin) - begin);
    for (const OptionHelp& option : OptionsOf(row)) {
      for (const std::string& name : option.names) EXPECT_THAT(section, HasSubstr(name)) << row.name;
      EXPECT_THAT(section, HasSubstr(option.description));
    }
  }
}

TEST(Manual, NoTextIsTakenForARequest) {
  std::istringstream page(ManualPage());
  for (std::string line; std::getline(page, line);) {
    EXPECT_FALSE(line.starts_with('\'')) << line;
    if (line.starts_with('.')) {
      EXPECT_THAT(line, testing::ContainsRegex("^\\.([A-Z]+)( |$)"));
    }
  }
}

TEST(Manual, IsPrinted) {
  const auto run = test::RunProgram({"man"});
  EXPECT_EQ(run.exit_code, kDone);
  EXPECT_EQ(run.out, ManualPage());
}

}  // namespace
}  // namespace gemtune::cli
