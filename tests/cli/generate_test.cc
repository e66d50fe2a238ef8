#include "gemtune/cli/generate.h"

#include <gmock/gmock.h>

#include <iostream>

#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using test::JsonLines;
using test::RunProgram;
using testing::HasSubstr;

class GenerateCommand : public test::TempDir {
 protected:
  GenerateCommand() { test::WriteTinyModel(dir_ / "model", /*turns=*/true); }

  test::Finished Run(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {
        "generate", "--model", (dir_ / "model").string(), "--dtype", "fp32", "--max-new-tokens", "20"};
    all.insert(all.end(), more.begin(), more.end());
    return RunProgram(all);
  }
};

TEST_F(GenerateCommand, PromptFileAndStandardInputGiveTheSame) {
  std::string rows;
  for (const char* prompt : {"a prompt", "b", "the third one"})
    rows += nlohmann::json{{"prompt", prompt}, {"id", prompt}}.dump() + "\n";
  const auto file = Run({"--input-file", test::WriteText(dir_ / "rows.jsonl", rows), "--batch-size", "2"});
  ASSERT_EQ(file.exit_code, kDone) << file.err;
  const auto lines = JsonLines(file.out);
  ASSERT_EQ(lines.size(), 3u);
  for (const auto& line : lines) {
    EXPECT_EQ(line["prompt"], line["id"]);
    EXPECT_EQ(line["tokens"].size() < 20, line["finish_reason"] == "stop");
    const auto alone = Run({"--prompt", line["prompt"].get<std::string>()});
    EXPECT_EQ(alone.out, line["text"].get<std::string>() + "\n");
    EXPECT_THAT(alone.err, HasSubstr("tokens/s"));
  }
  std::istringstream input("the third one\n");
  std::streambuf* const kept = std::cin.rdbuf(input.rdbuf());
  const auto standard = Run({});
  std::cin.rdbuf(kept);
  std::cin.clear();
  EXPECT_EQ(standard.out, lines[2]["text"].get<std::string>() + "\n");
}

TEST_F(GenerateCommand, MessagesAndChatAreTurns) {
  const auto rows =
      test::WriteText(dir_ / "rows.jsonl",
                      "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\n{\"prompt\": \"hi\"}\n");
  const auto plain = JsonLines(Run({"--input-file", rows}).out),
             chat = JsonLines(Run({"--input-file", rows, "--chat"}).out),
             system = JsonLines(Run({"--input-file", rows, "--system", "be brief"}).out);
  EXPECT_EQ(plain[0]["tokens"], chat[0]["tokens"]);
  EXPECT_EQ(chat[1]["tokens"], chat[0]["tokens"]);
  EXPECT_NE(plain[1]["tokens"], chat[1]["tokens"]);
  EXPECT_EQ(system[1]["tokens"], system[0]["tokens"]);
  EXPECT_NE(system[0]["tokens"], chat[0]["tokens"]);
}

TEST_F(GenerateCommand, BadInputIsOneLineAndExitCodeTwo) {
  const auto fault = [&](const std::vector<std::string>& more) {
    const auto done = Run(more);
    EXPECT_EQ(done.exit_code, kBadInput);
    EXPECT_EQ(done.out, "");
    return done.err;
  };
  const auto rows = [&](const std::string& text) { return test::WriteText(dir_ / "bad.jsonl", text); };
  EXPECT_THAT(fault({"--prompt", "a", "--input-file", rows("")}), HasSubstr("not both"));
  EXPECT_THAT(fault({"--input-file", rows("{\"prompt\": 1}")}),
              HasSubstr("bad.jsonl: row 1: 'prompt' must be a text"));
  EXPECT_THAT(
      fault({"--input-file", rows("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}")}),
      HasSubstr("bad.jsonl: row 1: turn 1 is of the assistant"));
  EXPECT_THAT(fault({"--input-file", (dir_ / "none.jsonl").string()}), HasSubstr("none.jsonl"));
  EXPECT_THAT(fault({"--prompt", "a", "--top-p", "0"}), HasSubstr("--top-p is 0; it must be above 0"));
  EXPECT_THAT(fault({"--prompt", "a", "--stop", ""}), HasSubstr("--stop has an empty string"));
  EXPECT_THAT(fault({"--prompt", "\xff"}), HasSubstr("--prompt: is not UTF-8"));
  EXPECT_THAT(fault({"--prompt", "a", "--temperature", "-1"}), HasSubstr("--temperature"));
}

}  // namespace
}  // namespace gemtune::cli
