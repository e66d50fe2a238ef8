#include "gemtune/train/tasks/tasks.h"

#include <gmock/gmock.h>

#include "tests/data/make_dataset.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

class TasksTest : public test::TempDir {
 protected:
  TasksTest() { test::WriteTinyModel(dir_ / "base"); }

  std::unique_ptr<Task> Make(const TaskRow& row, const data::Dataset& train) const {
    return row.make(model::ModelSource::Open(dir_ / "base"), text::Tokenizer::Load(dir_ / "base"), train, {},
                    {});
  }
};

TEST_F(TasksTest, AreFoundByName) {
  for (const TaskRow& row : Tasks()) EXPECT_EQ(&FindTask(row.name), &row);
  EXPECT_THAT(test::MessageOf([] { FindTask("ranking"); }), HasSubstr("'ranking' is not known; known: "));
}

TEST_F(TasksTest, AnOutlineIsTheModelThatIsMade) {
  const data::Dataset train = data::MakeDataset({3, 4});
  for (const TaskRow& row : Tasks()) {
    const auto source = model::ModelSource::Open(dir_ / "base");
    const TaskOutline outline = row.outline(source, row.num_outputs(train), {});
    const auto made = Make(row, train);
    const auto outlined = outline.module->named_parameters(), actual = made->module().named_parameters();
    ASSERT_EQ(outlined.size(), actual.size()) << row.name;
    for (const auto& item : actual) {
      ASSERT_TRUE(outlined.contains(item.key())) << item.key();
      EXPECT_EQ(outlined[item.key()].sizes(), item.value().sizes()) << item.key();
    }
    EXPECT_EQ(outline.trunk->num_stages(), made->trunk()->num_stages());
  }
}

TEST_F(TasksTest, WhatATaskSavedIsOpenedAsThatTask) {
  const data::Dataset train = data::MakeDataset({3, 4});
  for (const TaskRow& row : Tasks()) {
    Make(row, train)->Save(dir_ / row.name);
    data::DatasetOptions opened, made;
    OpenTrained(dir_ / row.name, row.name)->Read(opened);
    Make(row, train)->Read(made);
    EXPECT_EQ(opened.row_kind, row.row_kind) << row.name;
    EXPECT_EQ(made.row_kind, row.row_kind) << row.name;
    EXPECT_EQ(opened.label_kind, made.label_kind) << row.name;
    EXPECT_EQ(opened.labels.has_value(), made.labels.has_value()) << row.name;
    if (made.labels) {
      EXPECT_EQ(opened.labels->names, made.labels->names) << row.name;
      OpenTrained(dir_ / row.name)->Read(opened);  // it says itself what it is
      EXPECT_EQ(opened.label_kind, made.label_kind) << row.name;
    }
  }
}

TEST_F(TasksTest, AModelThatNoTaskMadeIsRefused) {
  EXPECT_THAT(test::MessageOf([&] { OpenTrained(dir_ / "base"); }),
              HasSubstr("'score.weight' has shape [1, 16], but config.json names none"));
}

TEST_F(TasksTest, AModelOfAnotherTaskIsRefused) {
  const data::Dataset train = data::MakeDataset({3, 4});
  Make(FindTask("classification"), train)->Save(dir_ / "classifier");
  EXPECT_THAT(test::MessageOf([&] { OpenTrained(dir_ / "classifier", "regression"); }),
              HasSubstr("was trained for `task` classification, not regression"));
  Make(FindTask("sft"), train)->Save(dir_ / "language");
  EXPECT_THAT(test::MessageOf([&] { OpenTrained(dir_ / "language"); }),
              HasSubstr("a language model is opened with `task` sft or clm"));
}

}  // namespace
}  // namespace gemtune::train
