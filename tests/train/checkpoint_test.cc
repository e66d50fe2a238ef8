#include "gemtune/train/checkpoint.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class Checkpoint : public test::TempDir {
 protected:
  void Write(int64_t step, const std::string& contents = "x") const {
    WriteCheckpoint(dir_, step, {{"global_step", step}},
                    [&](const fs::path& directory) { WriteFileAtomically(directory / "weights", contents); });
  }
};

TEST_F(Checkpoint, IsThereWholeOrNotAtAll) {
  Write(5);
  EXPECT_EQ(ReadFile(dir_ / "checkpoint-5" / "weights"), "x");
  EXPECT_EQ(ReadCheckpointState(dir_ / "checkpoint-5")["global_step"], 5);
  const auto fail = [](const fs::path& directory) {
    WriteFileAtomically(directory / "weights", "half");
    throw RunError("disk full");
  };
  EXPECT_THROW(WriteCheckpoint(dir_, 6, {}, fail), RunError);
  EXPECT_THAT(CheckpointSteps(dir_), ElementsAre(5));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 1);
}

// transformers' Trainer gives its own the same names and a trainer_state.json.
TEST_F(Checkpoint, OfSomebodyElseIsNeitherCountedNorRemovedNorReplaced) {
  Write(5);
  fs::create_directories(dir_ / "checkpoint-6");
  WriteFileAtomically(dir_ / "checkpoint-6" / "trainer_state.json", "{}");
  fs::create_directories(dir_ / "checkpoint-7x");
  EXPECT_THAT(CheckpointSteps(dir_), ElementsAre(5));
  EXPECT_THAT(ForeignCheckpoints(dir_), ElementsAre("checkpoint-6"));
  EXPECT_THROW(Write(6), RunError);
  RemoveOldCheckpoints(dir_, 1, 0);
  EXPECT_EQ(ReadFile(dir_ / "checkpoint-6" / "trainer_state.json"), "{}");
}

TEST_F(Checkpoint, IsKeptWhereItHoldsSomebodysFile) {
  Write(5);
  Write(6);
  WriteFileAtomically(dir_ / "checkpoint-5" / "notes.txt", "mine");
  testing::internal::CaptureStderr();
  RemoveOldCheckpoints(dir_, 1, 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("'notes.txt', which gemtune did not write"));
  EXPECT_EQ(ReadFile(dir_ / "checkpoint-5" / "notes.txt"), "mine");
  EXPECT_THROW(RemoveCheckpoint(dir_, 5), Error);
  fs::remove(dir_ / "checkpoint-5" / "notes.txt");
  RemoveCheckpoint(dir_, 5);
  EXPECT_THAT(CheckpointSteps(dir_), ElementsAre(6));
}

TEST_F(Checkpoint, TheOldOnesAreRemovedAndTheKeptOneNever) {
  for (const int64_t step : {2, 4, 10, 6, 8}) Write(step);
  RemoveOldCheckpoints(dir_, 0, 0);
  EXPECT_THAT(CheckpointSteps(dir_), ElementsAre(2, 4, 6, 8, 10));
  RemoveOldCheckpoints(dir_, 2, 4);
  EXPECT_THAT(CheckpointSteps(dir_), ElementsAre(4, 8, 10));
  RemoveOldCheckpoints(dir_, 1, 10);
  EXPECT_THAT(CheckpointSteps(dir_), ElementsAre(10));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 1);
}

TEST_F(Checkpoint, WhatIsNoneIsSaid) {
  EXPECT_THAT(test::MessageOf([&] { ReadCheckpointState(dir_); }), testing::HasSubstr("is not a checkpoint"));
  WriteFileAtomically(dir_ / "trainer_state.json", "{");
  EXPECT_THAT(test::MessageOf([&] { ReadCheckpointState(dir_); }), testing::HasSubstr("trainer_state.json"));
}

TEST_F(Checkpoint, ItsBytesAreThoseOfItsFiles) {
  fs::create_directories(dir_ / "c" / "d");
  WriteFileAtomically(dir_ / "c" / "a", "123");
  WriteFileAtomically(dir_ / "c" / "d" / "b", "4567");
  EXPECT_EQ(DirectoryBytes(dir_ / "c"), 7);
}

}  // namespace
}  // namespace gemtune::train
