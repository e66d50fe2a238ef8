#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

namespace gemtune {

/// Bytes of this process that are in memory now (VmRSS), and at most so far (ru_maxrss). 0 if unknown.
int64_t ResidentBytes();
int64_t PeakResidentBytes();

/// Where the kernel tells of memory; a test has files of its own.
struct KernelFiles {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroup = "/sys/fs/cgroup";
};

/// Bytes that a program can still take without swapping (MemAvailable of /proc/meminfo); 0 if unknown.
int64_t AvailableMemoryBytes(const KernelFiles& files = {});

/// The most that a process may have in memory, and what says so.
struct MemoryLimit {
  int64_t bytes = std::numeric_limits<int64_t>::max();
  std::string source = {};  // empty: nothing does
};

/// The tightest of
///  - the limits of this process's control group and of those around it (version 2: memory.max, version 1:
///    memory.limit_in_bytes), the system kills a process that exceeds them;
///  - `ulimit -v` (RLIMIT_AS), less the address space that is no memory (mapped files, stacks). Only where it
///    is below the machine's memory: a greater one leaves room for all of that in address space;
///  - the machine's memory and swap.
/// What other processes hold is not counted: it may be gone in a minute.
MemoryLimit FindMemoryLimit(const KernelFiles& files = {});

}  // namespace gemtune
