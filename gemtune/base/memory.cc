#include "gemtune/base/memory.h"

#include <sys/resource.h>

#include <algorithm>
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

// A group is also bound by its parents. In a container, /proc may name a group that does not exist there: the
// mounted root is the container's own group.
void TightenByGroup(const fs::path& root, const fs::path& group, const char* file, MemoryLimit& limit) {
  for (fs::path path = group.relative_path();; path = path.parent_path()) {
    int64_t bytes = 0;
    if (std::ifstream in(root / path / file); in >> bytes) {  // "max" is not a number
      Tighten(bytes, std::string("the control group's ") + file, limit);
    }
    if (path.empty()) return;
  }
}

// Lines of /proc/self/cgroup: "0::/user.slice" is version 2, "4:memory:/user.slice" version 1.
void TightenByGroups(const KernelFiles& files, MemoryLimit& limit) {
  std::ifstream groups(files.proc / "self" / "cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) {
      TightenByGroup(files.cgroup, group, "memory.max", limit);
      TightenByGroup(files.cgroup / "unified", group, "memory.max", limit);
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      TightenByGroup(files.cgroup / "memory", group, "memory.limit_in_bytes", limit);
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
