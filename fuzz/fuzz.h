#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "gemtune/base/error.h"

namespace gemtune::fuzz {

/// A folder of this process, in memory where the system has such a file system, gone with the process.
const std::filesystem::path& Directory();

/// Makes the input a file of that name in Directory().
std::filesystem::path Write(const std::string& name, const uint8_t* data, size_t size);

/// Runs a target's reader. A gemtune::Error is what a bad file should end in; whatever else is thrown ends
/// the process, which libFuzzer counts as a crash.
template <typename F>
int Run(F&& read) {
  try {
    read();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace gemtune::fuzz
