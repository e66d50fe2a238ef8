#include "gemtune/cli/model_options.h"

#include <gmock/gmock.h>

#include "gemtune/base/parallel.h"
#include "tests/data/make_dataset.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

class ModelOptionsTest : public test::TempDir {
 protected:
  ModelOptionsTest() {
    test::WriteTinyModel(dir_ / "base");
    train::Tasks()
        .front()
        .make(model::ModelSource::Open(dir_ / "base"), text::Tokenizer::Load(dir_ / "base"),
              data::MakeDataset({3, 4}), {}, {})
        ->Save(dir_ / "trained");
  }
};

TEST_F(ModelOptionsTest, OpenWhatTheyName) {
  OptionSet set("gemtune try", "Tries.");
  ModelOptions options;
  options.Declare(set);
  options.DeclareMachine(set);
  ASSERT_TRUE(set.Parse({"--model", (dir_ / "trained").string(), "--dtype", "fp32"}));
  const auto task = options.Open({});
  EXPECT_EQ(task->module().parameters().front().scalar_type(), at::kFloat);
}

TEST_F(ModelOptionsTest, LeaveAFewTokensToOneThread) {
  ModelOptions options;
  options.model = (dir_ / "trained").string();
  options.machine.dtype = "fp32";
  options.machine.threads = 0;
  const auto task = options.Open({});
  options.FitThreads(*task, data::MakeDataset({3, 4}));
  EXPECT_EQ(NumThreads(), 1);
  SetNumThreads(0);
}

}  // namespace
}  // namespace gemtune::cli
