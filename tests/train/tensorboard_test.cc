#include "gemtune/train/tensorboard.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;
using testing::Not;

class TensorBoardTest : public test::TempDir {
 protected:
  std::string File() const { return ReadFile(dir_ / *io::NamesIn(dir_).begin()); }
};

TEST_F(TensorBoardTest, GetsTheStepsThatAreDueAndEveryEvaluation) {
  TensorBoardObserver board({.directory = dir_, .logging_steps = 2, .run = "model = \"m\"\n"});
  board.OnStart({});
  EXPECT_THAT(File(), HasSubstr("model = \"m\""));
  board.OnStep({.step = 1, .loss = 1, .tokens = 10, .seconds = 1});
  EXPECT_THAT(File(), Not(HasSubstr("train/loss")));
  board.OnStep({.step = 2, .loss = 2, .tokens = 10, .seconds = 1});
  for (const char* tag : {"train/loss", "train/grad_norm", "train/learning_rate", "train/tokens_per_second"})
    EXPECT_THAT(File(), HasSubstr(tag));
  board.OnEvaluate({.step = 2,
                    .metrics = {{"loss", 0.5},
                                {"auroc", nullptr},
                                {"pr_curves",
                                 {{"yes",
                                   {{"positives", 1},
                                    {"negatives", 1},
                                    {"true_positives", {1, 0}},
                                    {"false_positives", {1, 0}}}}}}},
                    .seconds = 1});
  EXPECT_THAT(File(), HasSubstr("eval/loss"));
  EXPECT_THAT(File(), HasSubstr("pr/yes"));
  EXPECT_THAT(File(), Not(HasSubstr("eval/auroc")));
}

TEST_F(TensorBoardTest, HasNoLossWhereEveryStepWasSkipped) {
  TensorBoardObserver board({.directory = dir_, .logging_steps = 1});
  board.OnStep({.step = 1, .is_skipped = true, .tokens = 10, .seconds = 1});
  EXPECT_THAT(File(), Not(HasSubstr("train/loss")));
}

}  // namespace
}  // namespace gemtune::train
