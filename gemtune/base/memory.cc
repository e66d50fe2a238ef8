#include "gemtune/base/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace gemtune {
namespace {

namespace fs = std::filesystem;

// The value of a line like "MemAvailable: 123 kB" in bytes; 0 if there is no such line.
int64_t Kilobytes(const fs::path& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string word, rest; file >> word; std::getline(file, rest)) {
    int64_t kilobytes = 0;
    if (word == name + ":" && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

void Tighten(int64_t bytes, const std::string& source, MemoryLimit& limit) {
  if (bytes < limit.bytes) limit = {.bytes = bytes, .source = source};
}

void TightenByGroups(const KernelFiles& files, MemoryLimit& limit) {
  for (const fs::path& path : ControlGroupFiles(files, "memory", "memory.max", "memory.limit_in_bytes")) {
    int64_t bytes = 0;
    if (std::ifstream in(path); in >> bytes) {  // "max" is not a number
      Tighten(bytes, "the control group's " + path.filename().string(), limit);
    }
  }
}

void TightenByAddressSpace(const KernelFiles& files, int64_t machine_bytes, MemoryLimit& limit) {
  rlimit space = {};
  if (::getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur >= static_cast<rlim_t>(machine_bytes)) return;
  const fs::path status = files.proc / "self" / "status";
  const int64_t no_memory = Kilobytes(status, "VmSize") - Kilobytes(status, "VmRSS");
  Tighten(std::max<int64_t>(0, static_cast<int64_t>(space.rlim_cur) - no_memory), "ulimit -v", limit);
}

}  // namespace

int64_t ResidentBytes() {
  return Kilobytes("/proc/self/status", "VmRSS");
}

int64_t PeakResidentBytes() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{1024} * usage.ru_maxrss;
}

int64_t AvailableMemoryBytes(const KernelFiles& files) {
  return Kilobytes(files.proc / "meminfo", "MemAvailable");
}

MemoryLimit FindMemoryLimit(const KernelFiles& files) {
  MemoryLimit limit;
  const fs::path machine = files.proc / "meminfo";
  const int64_t machine_bytes = Kilobytes(machine, "MemTotal");
  if (machine_bytes > 0) {
    Tighten(machine_bytes + Kilobytes(machine, "SwapTotal"), "the machine's memory and swap", limit);
  }
  TightenByAddressSpace(files, machine_bytes, limit);
  TightenByGroups(files, limit);
  return limit;
}

}  // namespace gemtune
