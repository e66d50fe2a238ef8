#include "gemtune/cli/chat.h"

#include <gmock/gmock.h>

#include <iostream>

#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

class ChatCommand : public test::TempDir {
 protected:
  ChatCommand() { test::WriteTinyModel(dir_ / "model", /*turns=*/true); }

  test::Finished Run(const std::string& typed, const std::vector<std::string>& more = {}) const {
    std::istringstream input(typed);
    std::streambuf* const kept = std::cin.rdbuf(input.rdbuf());
    std::vector<std::string> all = {
        "chat", "--model", (dir_ / "model").string(), "--dtype", "fp32", "--max-new-tokens", "12"};
    all.insert(all.end(), more.begin(), more.end());
    auto done = RunProgram(all);
    std::cin.rdbuf(kept);
    std::cin.clear();
    return done;
  }

  // What generate makes of a conversation.
  std::string Generated(const nlohmann::json& messages) const {
    const auto file = test::WriteText(dir_ / "rows.jsonl", nlohmann::json{{"messages", messages}}.dump());
    const auto done = RunProgram({"generate", "--model", (dir_ / "model").string(), "--dtype", "fp32",
                                  "--max-new-tokens", "12", "--input-file", file});
    return test::JsonLines(done.out).at(0)["text"];
  }
};

TEST_F(ChatCommand, AnswersEachLineInTheConversationSoFar) {
  nlohmann::json messages = {{{"role", "system"}, {"content", "be kind"}},
                             {{"role", "user"}, {"content", "hello"}}};
  const std::string first = Generated(messages);
  messages.push_back({{"role", "assistant"}, {"content", first}});
  messages.push_back({{"role", "user"}, {"content", "more"}});
  const std::string second = Generated(messages);
  const auto done = Run("hello\n\n  \nmore\r\n", {"--system", "be kind"});
  EXPECT_EQ(done.exit_code, kDone) << done.err;
  EXPECT_EQ(done.out, first + "\n" + second + "\n");
}

TEST_F(ChatCommand, EndsWithTheInput) {
  const auto done = Run("");
  EXPECT_EQ(done.exit_code, kDone);
  EXPECT_EQ(done.out, "");
}

TEST_F(ChatCommand, RefusesAnotherModelsTurns) {
  std::ofstream(dir_ / "model" / "chat_template.jinja") << "{{ messages }}";
  const auto done = Run("hello\n");
  EXPECT_EQ(done.exit_code, kBadInput);
  EXPECT_THAT(done.err, HasSubstr("chat template is not Gemma 3's"));
}

}  // namespace
}  // namespace gemtune::cli
