#pragma once

#include <set>
#include <string>

#include "gemtune/base/control_group.h"

namespace gemtune {

/// How many processors a process should keep busy that may run on those of these numbers (default: its
/// affinity): on a machine with fast and slow cores the fast ones, if any are among them, and no more than
/// the quota of its control group or of a parent (version 2: cpu.max, version 1: cpu.cfs_quota_us), rounded
/// up. At least 1.
int UsableProcessors(const std::set<int>& allowed, const KernelFiles& files = {});
int UsableProcessors();

/// What the kernel calls the processor ("AMD EPYC 7763 64-Core Processor"); "" where it does not say, as on
/// Arm.
std::string ProcessorName(const KernelFiles& files = {});

}  // namespace gemtune
