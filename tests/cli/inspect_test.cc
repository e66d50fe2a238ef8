#include "gemtune/cli/inspect.h"

#include <gmock/gmock.h>

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

TEST_F(InspectCommand, NamesWhatIsMissing) {
  const auto run = RunProgram({"inspect", dir_.string()});
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("config.json"));
}

}  // namespace
}  // namespace gemtune::cli
