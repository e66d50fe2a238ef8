#include "gemtune/base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "gemtune/base/error.h"

namespace gemtune {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  File()
      : dir_(fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  ~File() override { fs::remove_all(dir_); }
  fs::path dir_;
};

TEST_F(File, ReadsWhatWasWritten) {
  const std::string contents("a\0b\n", 4);
  WriteFileAtomically(dir_ / "f", contents);
  EXPECT_EQ(ReadFile(dir_ / "f"), contents);
  WriteFileAtomically(dir_ / "f", "");
  EXPECT_EQ(ReadFile(dir_ / "f"), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

TEST_F(File, RefusesWhatItCannotRead) {
  EXPECT_THROW(ReadFile(dir_ / "missing"), Error);
  EXPECT_THROW(ReadFile(dir_), Error);
  WriteFileAtomically(dir_ / "f", "12345");
  EXPECT_THROW(ReadFile(dir_ / "f", 4), Error);
}

TEST_F(File, AFailedWriteIsARunErrorAndLeavesNothing) {
  EXPECT_THROW(WriteFileAtomically(dir_ / "no-such-dir" / "f", "x"), RunError);
  fs::create_directories(dir_ / "target" / "child");
  EXPECT_THROW(WriteFileAtomically(dir_ / "target", "x"), RunError);  // cannot replace a directory
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

TEST_F(File, AtomicFileAppearsWholeOnCommitOnly) {
  WriteFileAtomically(dir_ / "f", "old");
  {
    AtomicFile abandoned(dir_ / "f");
    abandoned.Write("half");
  }
  EXPECT_EQ(ReadFile(dir_ / "f"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
  AtomicFile file(dir_ / "f");
  file.Write("new ");
  file.Write("");
  file.Write("contents");
  EXPECT_EQ(ReadFile(dir_ / "f"), "old");
  file.Commit();
  EXPECT_EQ(ReadFile(dir_ / "f"), "new contents");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

TEST_F(File, AFullDiskIsARunError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  const fs::path temporary = dir_ / fmt::format("f.tmp-{}", ::getpid());
  fs::create_symlink("/dev/full", temporary);
  EXPECT_THROW(WriteFileAtomically(dir_ / "f", "x"), RunError);
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(File, AtomicDirectoryAppearsOnCommitOnly) {
  {
    const AtomicDirectory abandoned(dir_ / "out");
    std::ofstream(abandoned.path() / "f") << "half";
  }
  EXPECT_TRUE(fs::is_empty(dir_));
  AtomicDirectory made(dir_ / "deep" / "out/");
  std::ofstream(made.path() / "f") << "whole";
  EXPECT_FALSE(fs::exists(dir_ / "deep" / "out"));
  made.Commit();
  EXPECT_EQ(ReadFile(dir_ / "deep" / "out" / "f"), "whole");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "deep"), fs::directory_iterator()), 1);
}

TEST_F(File, AtomicDirectoryReplacesFilesOfAnExistingTargetAndKeepsOthers) {
  fs::create_directories(dir_ / "out");
  std::ofstream(dir_ / "out" / "old") << "kept";
  std::ofstream(dir_ / "out" / "f") << "old";
  AtomicDirectory made(dir_ / "out");
  fs::create_directories(made.path() / "sub");
  std::ofstream(made.path() / "f") << "new";
  std::ofstream(made.path() / "sub" / "g") << "nested";
  made.Commit();
  EXPECT_EQ(ReadFile(dir_ / "out" / "f"), "new");
  EXPECT_EQ(ReadFile(dir_ / "out" / "sub" / "g"), "nested");
  EXPECT_EQ(ReadFile(dir_ / "out" / "old"), "kept");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

TEST_F(File, AtomicDirectoryRefusesAFile) {
  std::ofstream(dir_ / "f") << "x";
  EXPECT_THROW(AtomicDirectory made(dir_ / "f"), Error);
}

}  // namespace
}  // namespace gemtune
