#include "gemtune/model/model_directory.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/io/file_record.h"

namespace gemtune::model {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPart = "model";

// The names that the writers of the files use; shards are found through their index.
constexpr const char* kNames[] = {"config.json",
                                  "generation_config.json",
                                  "model.safetensors",
                                  "model.safetensors.index.json",
                                  "adapter_config.json",
                                  "adapter_model.safetensors",
                                  "classifier.json",
                                  "tokenizer.json",
                                  "tokenizer_config.json",
                                  "tokenizer.model",
                                  "special_tokens_map.json",
                                  "added_tokens.json",
                                  "chat_template.jinja"};

// The path without links and dots, resolved as far as it exists.
fs::path Resolved(const fs::path& path) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : resolved;
}

}  // namespace

std::vector<std::string> ModelFilesIn(const fs::path& directory) {
  std::vector<std::string> found;
  std::error_code error;
  for (const char* name : kNames) {
    if (fs::exists(directory / name, error)) found.emplace_back(name);
  }
  return found;
}

void RefuseShadows(const fs::path& directory, bool writes_adapter) {
  const char* const name = writes_adapter ? "config.json" : "adapter_config.json";
  std::error_code error;
  if (!fs::exists(directory / name, error) || io::IsRecorded(io::ReadFileRecord(directory), name)) return;
  Fail(
      "{}: holds {}, which gemtune did not write and with which {} would be read as {}; move it away or give "
      "another directory",
      directory.string(), name, writes_adapter ? "an adapter" : "the new model",
      writes_adapter ? "a whole model" : "an adapter");
}

void RefuseInPlace(const fs::path& source, const fs::path& directory, const std::string& option) {
  std::error_code error;
  const fs::path target = Resolved(directory), model = Resolved(source);
  const auto refuse = [&] {
    Fail("{}: would be overwritten by its own results; give another {}", source.string(), option);
  };
  if (!fs::is_directory(model, error)) return;  // a GGUF file; gemtune writes no file of such a name
  const auto [end, rest] = std::mismatch(target.begin(), target.end(), model.begin(), model.end());
  // The run would remove a checkpoint in it.
  if (end == target.end() && (rest == model.end() || rest->string().starts_with("checkpoint-"))) refuse();
  for (const std::string& name : io::NamesIn(model)) {
    const fs::path file = Resolved(model / name);
    const bool is_written =
        std::find(std::begin(kNames), std::end(kNames), file.filename()) != std::end(kNames);
    if (file.parent_path() == target && is_written) refuse();
  }
}

void CommitModel(AtomicDirectory& written, const fs::path& directory) {
  io::FileRecord record = io::ReadFileRecord(directory);
  const std::set<std::string> before = record[kPart], now = io::NamesIn(written.path());
  record[kPart].insert(now.begin(), now.end());
  // This comes first, so that if the process dies in between, none of its files looks like somebody else's.
  std::error_code error;
  io::WriteFileRecord(fs::is_directory(directory, error) ? directory : written.path(), record);
  written.Commit();
  for (const std::string& name : before) {
    if (!now.contains(name)) fs::remove(directory / name);
  }
  if (record[kPart] == now) return;
  record[kPart] = now;
  io::WriteFileRecord(directory, record);
}

}  // namespace gemtune::model
