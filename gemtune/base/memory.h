#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "gemtune/base/control_group.h"

namespace gemtune {

/// Bytes of this process in memory: now (VmRSS), and the peak so far (ru_maxrss). 0 if unknown.
int64_t ResidentBytes();
int64_t PeakResidentBytes();

/// Bytes that a program can still take without swapping (MemAvailable of /proc/meminfo); 0 if unknown.
int64_t AvailableMemoryBytes(const KernelFiles& files = {});

/// The most memory that a process may use, and the source of this limit.
struct MemoryLimit {
  int64_t bytes = std::numeric_limits<int64_t>::max();
  std::string source = {};  // empty: there is no limit
};

/// The smallest of
///  - the limits of this process's control group and its parents (version 2: memory.max, version 1:
///    memory.limit_in_bytes), beyond which the system kills a process;
///  - `ulimit -v` (RLIMIT_AS), less the address space that is not memory (mapped files, stacks). Only if it
///    is below the machine's memory; a greater limit leaves enough address space;
///  - the machine's memory and swap.
/// The memory of other processes is not subtracted, since they may end soon.
MemoryLimit FindMemoryLimit(const KernelFiles& files = {});

}  // namespace gemtune
