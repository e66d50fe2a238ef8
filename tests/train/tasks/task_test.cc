#include "gemtune/train/tasks/task.h"

#include <gtest/gtest.h>

#include "gemtune/train/method.h"
#include "gemtune/train/tasks/tasks.h"
#include "tests/data/make_dataset.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

class TaskTest : public test::TempDir {
 protected:
  TaskTest() {
    test::WriteTinyModel(dir_ / "base");
    task_ = Tasks().front().make(model::ModelSource::Open(dir_ / "base"),
                                 text::Tokenizer::Load(dir_ / "base"), train_, {}, {});
  }

  const data::Dataset train_ = data::MakeDataset({3, 4});
  std::unique_ptr<Task> task_;
};

TEST_F(TaskTest, CountsPassesWhereAnAdapterDrawsMasksByThem) {
  const data::PackedBatch batch = data::Pack(train_, {0});
  task_->LossSum(batch);
  EXPECT_EQ(task_->passes(), 0);
  task_->set_passes(7);
  EXPECT_EQ(task_->passes(), 0);
  task_->pretrained().AddAdapter({.r = 2}, "base", /*seed=*/1);
  task_->LossSum(batch);
  EXPECT_EQ(task_->passes(), 1);
  task_->set_passes(7);
  task_->LossSum(batch);
  EXPECT_EQ(task_->passes(), 8);
}

TEST_F(TaskTest, KeptStatesShareTheirMemoryLimit) {
  FindMethod("head").select(task_->module(), {});
  const data::Dataset validation = data::MakeDataset({5, 6, 7});
  const int64_t row = 4 * task_->trunk()->config().hidden_size;
  EXPECT_EQ(task_->KeepFrozenStates(train_, &validation, {.max_memory_bytes = 2 * row, .directory = dir_}),
            5 * row);
}

}  // namespace
}  // namespace gemtune::train
