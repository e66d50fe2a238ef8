#include "gemtune/base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <thread>

namespace gemtune {
namespace {

namespace fs = std::filesystem;

// A slow core has at most this part of the fastest one's capacity; those of one kind differ by a few percent.
constexpr int kSlowPercent = 80;

// A list as the kernel writes it: "0-3,8".
std::set<int> ReadProcessorList(const fs::path& path) {
  std::ifstream file(path);
  std::set<int> processors;
  for (int first = 0; file >> first;) {
    int last = first;
    if (file.peek() == '-') {
      file.get();
      file >> last;
    }
    for (int i = first; i <= last; ++i) processors.insert(i);
    if (file.get() != ',') break;
  }
  return processors;
}

// Those of `allowed` that are fast: Intel's performance cores, or those of the greatest capacity (Arm). All,
// if the kernel says nothing.
std::set<int> Fast(const std::set<int>& allowed, const fs::path& devices) {
  std::set<int> fast;
  const std::set<int> performance = ReadProcessorList(devices / "cpu_core" / "cpus");
  std::ranges::set_intersection(allowed, performance, std::inserter(fast, fast.end()));
  if (!fast.empty()) return fast;
  std::map<int, int> capacity;
  int largest = 0;
  for (const int i : allowed) {
    std::ifstream file(devices / "system" / "cpu" / ("cpu" + std::to_string(i)) / "cpu_capacity");
    file >> capacity[i];
    largest = std::max(largest, capacity[i]);
  }
  for (const auto& [i, value] : capacity) {
    if (100 * value > kSlowPercent * largest || largest == 0) fast.insert(i);
  }
  return fast;
}

// Processors' worth of time that the control groups allow.
double Quota(const KernelFiles& files) {
  double least = std::numeric_limits<double>::infinity();
  for (const fs::path& path : ControlGroupFiles(files, "cpu", "cpu.max", "cpu.cfs_quota_us")) {
    std::ifstream file(path);
    double quota = 0, period = 0;
    if (!(file >> quota) || quota <= 0) continue;  // "max" in version 2, -1 in version 1
    if (path.filename() == "cpu.cfs_quota_us") file = std::ifstream(path.parent_path() / "cpu.cfs_period_us");
    if (file >> period && period > 0) least = std::min(least, quota / period);
  }
  return least;
}

}  // namespace

int UsableProcessors(const std::set<int>& allowed, const KernelFiles& files) {
  const auto fast = static_cast<double>(Fast(allowed, files.devices).size());
  return std::max(1, static_cast<int>(std::min(fast, std::ceil(Quota(files)))));
}

int UsableProcessors() {
  cpu_set_t mask;
  std::set<int> allowed;
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &mask)) allowed.insert(i);
    }
  }
  // More processors than the mask has bits.
  if (allowed.empty()) {
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) allowed.insert(static_cast<int>(i));
  }
  return UsableProcessors(allowed);
}

std::string ProcessorName(const KernelFiles& files) {
  std::ifstream file(files.proc / "cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

}  // namespace gemtune
