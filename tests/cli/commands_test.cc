#include "gemtune/cli/commands.h"

#include <gmock/gmock.h>

#include <set>

namespace gemtune::cli {
namespace {

TEST(Commands, HaveNamesOfTheirOwnAndMakeThemselves) {
  std::set<std::string> names;
  for (const CommandRow& row : Commands()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_NE(row.make(), nullptr);
    EXPECT_NE(row.description, "");
  }
}

TEST(Commands, TellTheirOptions) {
  for (const CommandRow& row : Commands()) {
    const std::vector<OptionHelp> options = OptionsOf(row);
    std::set<std::string> names;
    for (const OptionHelp& option : options) names.insert(option.names.begin(), option.names.end());
    EXPECT_THAT(names, testing::IsSupersetOf({"-h", "--help", "--config"})) << row.name;
  }
}

}  // namespace
}  // namespace gemtune::cli
