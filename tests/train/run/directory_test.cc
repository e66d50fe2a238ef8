#include "gemtune/train/run/directory.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "gemtune/train/checkpoint.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;
using test::MessageOf;
using testing::HasSubstr;

class RunDirectoryTest : public test::TempDir {
 protected:
  fs::path Checkpoint(int64_t step) {
    WriteCheckpoint(out_, step, {{"global_step", step}}, [](const fs::path&) {});
    return CheckpointPath(out_, step);
  }

  fs::path FindStart(const std::string& resume_from, bool may_overwrite = false) const {
    return RunDirectory(out_.string()).FindStart(resume_from, may_overwrite);
  }

  fs::path out_ = dir_ / "a" / "out";
};

TEST_F(RunDirectoryTest, IsMadeAndHeldByOneRunAtATime) {
  {
    const RunDirectory held(out_.string());
    EXPECT_TRUE(fs::is_directory(out_));
    EXPECT_THAT(MessageOf([&] { RunDirectory(out_.string()); }), HasSubstr("another run is writing to it"));
    EXPECT_TRUE(fs::is_empty(out_));
  }
  EXPECT_NO_THROW(RunDirectory(out_.string()));
}

TEST_F(RunDirectoryTest, WhatARunThatDiedLeftIsRemoved) {
  fs::create_directories(out_ / "checkpoint-5.tmp-0123456789abcdef");
  WriteFileAtomically(out_ / "notes.txt", "mine");
  testing::internal::CaptureStderr();
  RunDirectory(out_.string());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("removed 1 unfinished write"));
  EXPECT_EQ(std::distance(fs::directory_iterator(out_), {}), 1);
}

TEST_F(RunDirectoryTest, ARunBeginsWhereThereAreNoResults) {
  EXPECT_EQ(FindStart(""), "");
  WriteFileAtomically(out_ / "train.err", "the shell made this");
  EXPECT_EQ(FindStart(""), "");
  for (const char* result :
       {"config.json", "run.toml", "adapter_config.json", "generation_config.json", "tokenizer.json"}) {
    WriteFileAtomically(out_ / result, "{}");
    EXPECT_THAT(MessageOf([&] { FindStart(""); }),
                HasSubstr(std::string("holds ") + result + ", which gemtune did not write"));
    io::WriteFileRecord(out_, {{"model", {result}}});
    EXPECT_THAT(MessageOf([&] { FindStart(""); }), HasSubstr(std::string("results (") + result + ")"));
    fs::remove(out_ / io::kFileRecord);
    EXPECT_EQ(FindStart("", /*may_overwrite=*/true), "");
    fs::remove(out_ / result);
  }
  Checkpoint(3);
  EXPECT_THAT(MessageOf([&] { FindStart(""); }), HasSubstr("results (checkpoint-3)"));
}

TEST_F(RunDirectoryTest, AutoIsTheNewestByItsNumber) {
  for (const int64_t step : {9, 100, 20}) Checkpoint(step);
  fs::create_directories(out_ / "checkpoint-300x");
  EXPECT_EQ(FindStart("auto"), out_ / "checkpoint-100");
}

TEST_F(RunDirectoryTest, WhatIsCalledAsACheckpointAndIsNoneOfOursIsInTheWay) {
  Checkpoint(9);
  fs::create_directories(out_ / "checkpoint-200");
  for (const bool may_overwrite : {false, true}) {
    EXPECT_THAT(MessageOf([&] { FindStart(may_overwrite ? "" : "auto", may_overwrite); }),
                HasSubstr("holds 'checkpoint-200', which is not a checkpoint of gemtune's; move it away"));
  }
}

TEST_F(RunDirectoryTest, AutoBeginsFromTheStartWhereThereIsNoneYet) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(FindStart("auto"), "");
  WriteFileAtomically(out_ / "run.toml", "");  // of a run that was killed before its first checkpoint
  WriteFileAtomically(out_ / "config.json", "{}");
  EXPECT_EQ(FindStart("auto"), "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("no checkpoint yet, beginning from the start"));
}

TEST_F(RunDirectoryTest, AutoDoesNotWriteOverAFinishedRunOrAModel) {
  fs::create_directories(out_);
  WriteFileAtomically(out_ / "config.json", "{}");
  EXPECT_THAT(MessageOf([&] { FindStart("auto"); }), HasSubstr("no checkpoint to resume from"));
  WriteFileAtomically(out_ / "run.toml", "");
  WriteFileAtomically(out_ / "all_results.json", "{}");
  EXPECT_THAT(MessageOf([&] { FindStart("auto"); }), HasSubstr("no checkpoint to resume from"));
}

TEST_F(RunDirectoryTest, ANamedCheckpointIsTheNewestOfThisDirectory) {
  const fs::path old = Checkpoint(3), newest = Checkpoint(6);
  EXPECT_EQ(FindStart(newest.string()), newest);
  EXPECT_EQ(FindStart(newest.string() + "/"), newest.string() + "/");
  EXPECT_THAT(MessageOf([&] { FindStart(old.string()); }), HasSubstr("checkpoint-6 is; resume from that"));
  EXPECT_THAT(MessageOf([&] { FindStart((out_ / "checkpoint-7").string()); }),
              HasSubstr("is not a checkpoint"));
  out_ = dir_ / "other";
  EXPECT_THAT(MessageOf([&] { FindStart(newest.string()); }), HasSubstr("is not in `output_dir`"));
}

TEST_F(RunDirectoryTest, BeginningAnewRemovesCheckpointsAndTheSummaryAlone) {
  Checkpoint(3);
  for (const char* name : {"all_results.json", "config.json", "notes.txt"})
    WriteFileAtomically(out_ / name, "{}");
  RunDirectory(out_.string()).Begin("seed = 1\n", /*anew=*/false);
  EXPECT_THAT(io::NamesIn(out_), testing::ElementsAre("all_results.json", "checkpoint-3", "config.json",
                                                      "notes.txt", "run.toml"));
  RunDirectory(out_.string()).Begin("seed = 2\n", /*anew=*/true);
  EXPECT_THAT(io::NamesIn(out_), testing::ElementsAre("config.json", "notes.txt", "run.toml"));
  EXPECT_EQ(ReadFile(out_ / "run.toml"), "seed = 2\n");
  EXPECT_TRUE(io::IsRecorded(io::ReadFileRecord(out_), "train_log.jsonl"));
}

TEST_F(RunDirectoryTest, ACheckpointWithSomebodysFileIsNotRemoved) {
  WriteFileAtomically(Checkpoint(3) / "notes.txt", "mine");
  EXPECT_THAT(MessageOf([&] { RunDirectory(out_.string()).Begin("", /*anew=*/true); }),
              HasSubstr("'notes.txt'"));
  EXPECT_EQ(ReadFile(out_ / "checkpoint-3" / "notes.txt"), "mine");
}

}  // namespace
}  // namespace gemtune::train
