#include "gemtune/base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
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
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(ReadFile(dir_ / "pipe"), Error);  // and does not wait for a writer
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

// The RunError of writing 10,000 bytes to `path`. A limit on the size of files simulates a full disk: bytes
// beyond it are not written.
std::string FaultOfAFullDisk(const fs::path& path) {
  rlimit old = {};
  EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small = {.rlim_cur = 4096, .rlim_max = old.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string fault;
  try {
    WriteFileAtomically(path, std::string(10'000, 'x'));
  } catch (const RunError& error) {
    fault = error.what();
  }
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, old_handler);
  return fault;
}

TEST_F(File, AFullDiskIsARunError) {
  EXPECT_EQ(FaultOfAFullDisk(dir_ / "f"), (dir_ / "f").string() + ": cannot write: File too large");
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(File, WhatIsRefusedIsNamedAsTheUserKnowsIt) {
  fs::create_directories(dir_ / "there");
  for (const char* target : {"new", "there"}) {
    const AtomicDirectory directory(dir_ / target);
    EXPECT_EQ(FaultOfAFullDisk(directory.path() / "f"),
              (dir_ / target / "f").string() + ": cannot write: File too large");
    EXPECT_EQ(FaultOfAFullDisk(directory.path() / "none" / "f"),
              (dir_ / target / "none" / "f").string() + ": cannot write: No such file or directory");
  }
}

TEST_F(File, TwoMayWriteTheSameFileAtOnce) {
  AtomicFile first(dir_ / "f"), second(dir_ / "f");
  first.Write("first");
  second.Write("second");
  first.Commit();
  EXPECT_EQ(ReadFile(dir_ / "f"), "first");
  second.Commit();
  EXPECT_EQ(ReadFile(dir_ / "f"), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
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
  EXPECT_EQ(ReadFile(dir_ / "out" / "f"), "old");
  made.Commit();
  EXPECT_EQ(ReadFile(dir_ / "out" / "f"), "new");
  EXPECT_EQ(ReadFile(dir_ / "out" / "sub" / "g"), "nested");
  EXPECT_EQ(ReadFile(dir_ / "out" / "old"), "kept");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "out"), fs::directory_iterator()), 3);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

// A mounted volume's parent is another file system, and often not writable: nothing may be made or renamed
// there.
TEST_F(File, AtomicDirectoryStaysInsideAnExistingTarget) {
  fs::create_directories(dir_ / "out");
  {
    const AtomicDirectory made(dir_ / "out/");
    EXPECT_EQ(made.path().lexically_relative(dir_ / "out").begin()->string().find("incomplete.tmp-"), 0u);
    EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
  }
  EXPECT_TRUE(fs::is_empty(dir_ / "out"));
}

TEST_F(File, AtomicDirectoryRefusesAFile) {
  std::ofstream(dir_ / "f") << "x";
  EXPECT_THROW(AtomicDirectory made(dir_ / "f"), Error);
}

TEST_F(File, RemovesADirectoryWhole) {
  fs::create_directories(dir_ / "d" / "child");
  WriteFileAtomically(dir_ / "d" / "f", "x");
  RemoveDirectory(dir_ / "d");
  EXPECT_TRUE(fs::is_empty(dir_));
  EXPECT_THROW(RemoveDirectory(dir_ / "d"), RunError);
}

TEST_F(File, LeftoversAreWhatHasATemporaryName) {
  // Their destructors will find nothing left to remove.
  const AtomicDirectory directory(dir_ / "d");
  const AtomicFile file(dir_ / "f");
  WriteFileAtomically(directory.path() / "half", "x");
  for (const char* own : {"a.tmp-1", "b.tmp-00112233445566778", "c.tmp-0011223344556zzz", "plain"})
    WriteFileAtomically(dir_ / own, "x");
  EXPECT_EQ(RemoveLeftovers(dir_), 2);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 4);
  EXPECT_EQ(RemoveLeftovers(dir_), 0);
}

}  // namespace
}  // namespace gemtune
