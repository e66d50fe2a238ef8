#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "gemtune/cli/dispatch.h"

namespace gemtune::test {

struct Finished {
  int exit_code;
  std::string out, err;
};

/// Runs `gemtune <arguments>` in this process.
inline Finished RunProgram(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int exit_code = cli::Main(arguments);
  std::fflush(stdout);
  std::string out = testing::internal::GetCapturedStdout();
  return {exit_code, std::move(out), testing::internal::GetCapturedStderr()};
}

inline std::vector<nlohmann::json> JsonLines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

inline std::string WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  return path.string();
}

/// 32 rows that a tiny model can learn: "g..." is good, "b..." is bad.
inline std::string GoodAndBad() {
  std::string lines;
  for (int i = 0; i < 16; ++i) {
    const std::string tail(static_cast<size_t>(i % 5 + 1), static_cast<char>('h' + i));
    lines += "{\"text\": \"g" + tail + "\", \"label\": \"good\"}\n{\"text\": \"b" + tail +
             "\", \"label\": \"bad\"}\n";
  }
  return lines;
}

}  // namespace gemtune::test
