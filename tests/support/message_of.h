#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gemtune/base/error.h"

namespace gemtune::test {

/// The message of the Error that `action` throws; a test failure and "" if it throws none. Other exceptions
/// propagate to GoogleTest.
template <typename F>
std::string MessageOf(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "an Error is one line";
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

}  // namespace gemtune::test
