#include "gemtune/cli/completion.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <set>
#include <sstream>

#include "gemtune/cli/commands.h"
#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"

namespace gemtune::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

// What bash offers for a command line whose last word is being typed.
class BashCompletion : public test::TempDir {
 protected:
  BashCompletion() { script_ = test::WriteText(dir_ / "gemtune.bash", CompletionScript("bash")); }

  std::set<std::string> Offers(const std::vector<std::string>& words) const {
    std::string line = "source " + script_ + "\nCOMP_WORDS=(";
    for (const std::string& word : words) line += "'" + word + "' ";
    line += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
            "\ncompopt() { :; }\n_gemtune\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const std::string program = test::WriteText(dir_ / "ask.bash", line);
    std::FILE* pipe = ::popen(("bash " + program).c_str(), "r");
    std::set<std::string> offers;
    char buffer[1024];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) {
      std::string offer(buffer);
      offer.pop_back();
      if (!offer.empty()) offers.insert(offer);
    }
    EXPECT_EQ(::pclose(pipe), 0);
    return offers;
  }

  std::string script_;
};

TEST_F(BashCompletion, OffersCommandsOptionsAndChoices) {
  EXPECT_THAT(Offers({"gemtune", ""}), IsSupersetOf({"train", "predict", "completion", "--version"}));
  EXPECT_THAT(Offers({"gemtune", "pre"}), ElementsAre("predict"));
  EXPECT_THAT(Offers({"gemtune", "train", "--lear"}), ElementsAre("--learning-rate"));
  EXPECT_THAT(Offers({"gemtune", "train", "--dtype", ""}), ElementsAre("auto", "bf16", "fp32"));
  EXPECT_THAT(Offers({"gemtune", "train", "--dtype", "=", "b"}), ElementsAre("bf16"));
  EXPECT_THAT(Offers({"gemtune", "train", "--dtype", "="}), ElementsAre("auto", "bf16", "fp32"));
  EXPECT_THAT(Offers({"gemtune", "completion", "f"}), ElementsAre("fish"));
}

TEST_F(BashCompletion, OffersNothingForANumberAndLeavesFilesToBash) {
  EXPECT_THAT(Offers({"gemtune", "train", "--seed", ""}), IsEmpty());
  EXPECT_THAT(Offers({"gemtune", "train", "--model", ""}), IsEmpty());
  EXPECT_THAT(Offers({"gemtune", "inspect", ""}), IsEmpty());
}

TEST(CompletionScript, OfEveryShellHasEveryOption) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto run = test::RunProgram({"completion", shell});
    EXPECT_EQ(run.exit_code, kDone);
    for (const CommandRow& row : Commands()) {
      EXPECT_THAT(run.out, HasSubstr(row.name));
      for (const OptionHelp& option : OptionsOf(row)) {
        if (option.is_positional) continue;
        for (std::string name : option.names) {
          if (std::string_view(shell) == "fish") name.erase(0, name.starts_with("--") ? 2 : 1);
          EXPECT_THAT(run.out, HasSubstr(name)) << shell << " " << row.name;
        }
      }
    }
  }
}

TEST(CompletionScript, AnUnknownShellIsRefused) {
  const auto run = test::RunProgram({"completion", "csh"});
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("'csh' is not one of bash, zsh, fish"));
  EXPECT_EQ(test::RunProgram({"completion"}).exit_code, kBadInput);
}

}  // namespace
}  // namespace gemtune::cli
