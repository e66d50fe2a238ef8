#include "gemtune/base/control_group.h"

#include <fstream>

namespace gemtune {
namespace {

namespace fs = std::filesystem;

// In a container, /proc may name a group that does not exist there: the mounted root is the container's own
// group.
void AddGroup(const fs::path& root, const fs::path& group, const std::string& file,
              std::vector<fs::path>& found) {
  for (fs::path path = group.relative_path();; path = path.parent_path()) {
    found.push_back(root / path / file);
    if (path.empty()) return;
  }
}

}  // namespace

std::vector<fs::path> ControlGroupFiles(const KernelFiles& files, const std::string& controller,
                                        const std::string& file, const std::string& file_of_version_1) {
  // Lines of /proc/self/cgroup: "0::/user.slice" is version 2, "4:memory:/user.slice" version 1.
  std::ifstream groups(files.proc / "self" / "cgroup");
  std::vector<fs::path> found;
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) {
      AddGroup(files.cgroup, group, file, found);
      AddGroup(files.cgroup / "unified", group, file, found);
    } else if (("," + controllers + ",").find("," + controller + ",") != std::string::npos) {
      AddGroup(files.cgroup / controller, group, file_of_version_1, found);
    }
  }
  return found;
}

}  // namespace gemtune
