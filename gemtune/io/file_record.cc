#include "gemtune/io/file_record.h"

#include <algorithm>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/json_file.h"

namespace gemtune::io {
namespace fs = std::filesystem;

namespace {

bool IsPlainName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

}  // namespace

FileRecord ReadFileRecord(const fs::path& directory) {
  const fs::path path = directory / kFileRecord;
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const nlohmann::ordered_json json = ParseJsonFile(path);
  const auto complain = [&] {
    Fail("{}: is not a record of the files that gemtune wrote; move it away", path.string());
  };
  if (!json.is_object()) complain();
  FileRecord record;
  for (const auto& [part, names] : json.items()) {
    if (!names.is_array()) complain();
    for (const auto& name : names) {
      if (!name.is_string() || !IsPlainName(name.get_ref<const std::string&>())) complain();
      record[part].insert(name.get<std::string>());
    }
  }
  return record;
}

void WriteFileRecord(const fs::path& directory, const FileRecord& record) {
  WriteFileAtomically(directory / kFileRecord, nlohmann::ordered_json(record).dump(2) + "\n");
}

bool IsRecorded(const FileRecord& record, const std::string& name) {
  return std::any_of(record.begin(), record.end(),
                     [&](const auto& part) { return part.second.contains(name); });
}

std::set<std::string> NamesIn(const fs::path& directory) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    names.insert(entry.path().filename().string());
  }
  names.erase(kFileRecord);
  return names;
}

}  // namespace gemtune::io
