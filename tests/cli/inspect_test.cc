#include "gemtune/cli/inspect.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

class InspectCommand : public test::TempDir {};

TEST_F(InspectCommand, ShowsWhatACheckpointHolds) {
  test::WriteTinyModel(dir_ / "base");
  const auto run = RunProgram({"inspect", (dir_ / "base").string(), "--tensors"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  for (const char* text :
       {"safetensors", "none of the published sizes", "7 (6 local with a window of 8 tokens, 1 global)",
        "Gemma3ForCausalLM", "288", "model.layers.6.self_attn.q_proj.weight", "[32, 16]", "F32"}) {
    EXPECT_THAT(run.out, HasSubstr(text));
  }
}

TEST_F(InspectCommand, DescribesADevice) {
  const auto run = RunProgram({"inspect", "--device", "cpu"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_THAT(run.out, testing::StartsWith("device              cpu\nbf16                "));
  EXPECT_THAT(RunProgram({"inspect"}).err, HasSubstr("PATH is required, or --device"));
}

TEST_F(InspectCommand, SaysInOneLineWhyACardCannotBeUsed) {
  test::WriteTinyModel(dir_ / "base");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"inspect"},
        {"generate", "--model", (dir_ / "base").string(), "--prompt", "a"}}) {
    for (const std::string name : {"cuda:9999", "gpu"}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"--device", name});
      const auto run = RunProgram(arguments);
      EXPECT_EQ(run.exit_code, kBadInput) << name;
      EXPECT_THAT(run.err, testing::StartsWith("error: --device ")) << name;
      EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    }
  }
}

TEST_F(InspectCommand, NamesWhatIsMissing) {
  const auto run = RunProgram({"inspect", dir_.string()});
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("config.json"));
}

}  // namespace
}  // namespace gemtune::cli
