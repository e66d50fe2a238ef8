#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace gemtune::test {

/// A fixture with an empty directory of its own, removed at the end.
class TempDir : public testing::Test {
 protected:
  TempDir() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = std::filesystem::path(testing::TempDir()) /
           (std::string(test->test_suite_name()) + "." + test->name() + "." + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  ~TempDir() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_;
};

}  // namespace gemtune::test
