#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gemtune {

/// Where the kernel reports about the machine and this process; tests use their own.
struct KernelFiles {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroup = "/sys/fs/cgroup";
  std::filesystem::path devices = "/sys/devices";
};

/// The files that hold a limit of this process's control group or of one of its parents, whether they exist
/// or not: `file` in version 2, and for a controller ("memory", "cpu") `file_of_version_1` in version 1. A
/// group is bound by its parents, too.
std::vector<std::filesystem::path> ControlGroupFiles(const KernelFiles& files, const std::string& controller,
                                                     const std::string& file,
                                                     const std::string& file_of_version_1);

}  // namespace gemtune
