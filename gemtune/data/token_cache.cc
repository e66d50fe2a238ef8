#include "gemtune/data/token_cache.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/base/log.h"
#include "gemtune/io/json_file.h"
#include "gemtune/io/safetensors.h"

namespace gemtune::data {
namespace fs = std::filesystem;
namespace {

// To be increased with every change to Load's result for the same files and options.
constexpr uint64_t kVersion = 5;

void AddLabels(Hash& hash, const std::optional<LabelSet>& labels) {
  hash.Add(static_cast<uint64_t>(labels.has_value()));
  const std::vector<std::string> names = labels.value_or(LabelSet{}).names;
  hash.Add(names.size());
  for (const std::string& name : names) hash.Add(name);
}

std::string Key(const DatasetOptions& options, const std::vector<DataFile>& files,
                const text::Tokenizer& tokenizer) {
  Hash hash;
  hash.Add(kVersion);
  hash.Add(tokenizer.fingerprint());
  hash.Add(options.text_column);
  hash.Add(options.text_pair_column);
  hash.Add(options.label_column);
  hash.Add(options.loss_weight_column);
  hash.Add(static_cast<uint64_t>(options.label_kind));
  hash.Add(static_cast<uint64_t>(options.row_kind));
  const ConversationColumns& of_conversation = options.conversation_columns;
  for (const std::string& column :
       {of_conversation.messages, of_conversation.prompt, of_conversation.input, of_conversation.completion})
    hash.Add(column);
  hash.Add(static_cast<uint64_t>(options.only_last_answer));
  hash.Add(static_cast<uint64_t>(options.excess_length));
  hash.Add(static_cast<uint64_t>(options.max_samples));
  hash.Add(static_cast<uint64_t>(options.max_length));
  hash.Add(static_cast<uint64_t>(options.on_bad_row));
  hash.Add(static_cast<uint64_t>(options.csv_delimiter));
  AddLabels(hash, options.labels);
  AddLabels(hash, options.known_labels);
  hash.Add(files.size());
  for (const DataFile& file : files) {
    hash.Add(static_cast<uint64_t>(file.format));
    hash.Add(static_cast<uint64_t>(file.compression));
    hash.AddFile(file.path);
  }
  return hash.Hex();
}

void Require(bool condition, std::string_view what) {
  if (!condition) Fail("{}", what);
}

template <typename T>
std::vector<T> ReadVector(const io::SafetensorsFile& file, const std::string& name, DType dtype) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) Fail("has no '{}'", name);
  const io::TensorView& tensor = found->second;
  Require(tensor.dtype == dtype && tensor.shape.size() == 1, "has a tensor of another type or shape");
  std::vector<T> values(tensor.data.size() / sizeof(T));
  // Data in a mapped file may be unaligned.
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(T));
  return values;
}

// Messages are of one line each.
std::vector<std::string> ReadMessages(const io::SafetensorsFile& file, const std::string& name) {
  const auto bytes = ReadVector<char>(file, name, DType::kU8);
  Require(bytes.empty() || bytes.back() == '\n', "has a message that is cut off");
  std::vector<std::string> messages;
  for (std::string_view rest(bytes.data(), bytes.size()); !rest.empty();) {
    const size_t end = rest.find('\n');
    messages.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return messages;
}

std::vector<char> LinesOf(const std::vector<std::string>& messages) {
  std::vector<char> lines;
  for (const std::string& message : messages) {
    lines.insert(lines.end(), message.begin(), message.end());
    lines.push_back('\n');
  }
  return lines;
}

std::vector<SkippedRow> ReadSkipped(const io::SafetensorsFile& file) {
  const auto before = ReadVector<int64_t>(file, "skipped_before", DType::kI64);
  const auto faults = ReadVector<uint8_t>(file, "skipped_fault", DType::kU8);
  std::vector<std::string> messages = ReadMessages(file, "skipped_messages");
  std::vector<SkippedRow> skipped;
  Require(faults.size() == before.size(), "has another number of skipped rows than of their faults");
  Require(messages.size() == before.size(), "has another number of messages");
  for (size_t i = 0; i < before.size(); ++i) {
    Require(faults[i] <= static_cast<uint8_t>(RowFault::kBadConversation),
            "has a skipped row of an unknown fault");
    skipped.push_back({before[i], static_cast<RowFault>(faults[i]), std::move(messages[i])});
  }
  return skipped;
}

void CheckLabel(LabelKind kind, const LabelSet& labels, float value) {
  if (kind == LabelKind::kSingle) {
    const bool is_id =
        value >= 0 && value < static_cast<float>(labels.names.size()) && std::trunc(value) == value;
    Require(is_id, "has a label that is not a class");
  } else if (kind == LabelKind::kMultiLabel) {
    Require(value == 0 || value == 1, "has a label that is neither 0 nor 1");
  } else {
    Require(std::isfinite(value), "has a label that is not finite");
  }
}

void CheckExamples(const Examples& examples, int64_t vocab_size, bool has_targets) {
  const std::vector<int64_t>& offsets = examples.offsets;
  Require(offsets.size() >= 2 && offsets.front() == 0, "has no examples");
  Require(offsets.back() == std::ssize(examples.ids), "has another number of tokens than its offsets say");
  // Strictly increasing: every example has a token.
  Require(std::adjacent_find(offsets.begin(), offsets.end(), std::greater_equal<>()) == offsets.end(),
          "has offsets that do not rise");
  const auto is_token = [&](int32_t id) { return id >= 0 && id < vocab_size; };
  Require(std::all_of(examples.ids.begin(), examples.ids.end(), is_token), "has an invalid token id");
  Require(std::ssize(examples.is_target) == (has_targets ? std::ssize(examples.ids) : 0),
          "has another number of targets than of tokens");
  Require(std::ranges::all_of(examples.is_target, [](uint8_t t) { return t <= 1; }),
          "has a target that is neither 0 nor 1");
  for (size_t i = 0; has_targets && i + 1 < offsets.size(); ++i) {
    const auto targets =
        std::span(examples.is_target).subspan(offsets[i] + 1, offsets[i + 1] - offsets[i] - 1);
    Require(std::ranges::count(targets, 1) > 0, "has an example without a target");
  }
  const int64_t size = std::ssize(offsets) - 1;
  Require(std::ssize(examples.truncated) == size, "has another number of truncated than of examples");
  Require(std::all_of(examples.truncated.begin(), examples.truncated.end(), [](uint8_t t) { return t <= 1; }),
          "has a truncated that is neither 0 nor 1");
  const int64_t width = LabelWidth(examples.label_kind, examples.labels);
  const int64_t num_values = std::ssize(examples.label_values);
  Require(width == 0 ? num_values == 0 : num_values % width == 0 && num_values / width == size,
          "has another number of labels than of examples");
  Require(examples.loss_weights.empty() || std::ssize(examples.loss_weights) == size,
          "has another number of weights than of examples");
  Require(std::ranges::all_of(examples.loss_weights, [](float w) { return std::isfinite(w) && w >= 0; }),
          "has a weight that is negative or not finite");
  int64_t last = 0;
  for (const SkippedRow& row : examples.skipped) {
    Require(row.before >= last && row.before <= size, "has a skipped row that stands nowhere");
    last = row.before;
  }
  for (const float value : examples.label_values) CheckLabel(examples.label_kind, examples.labels, value);
}

bool StartsWith(const std::vector<std::string>& names, const std::vector<std::string>& first) {
  return first.size() <= names.size() && std::equal(first.begin(), first.end(), names.begin());
}

std::string MetadataOf(const io::SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata().find(name);
  return found == file.metadata().end() ? "" : found->second;
}

template <typename T>
io::NamedTensor Named(const std::string& name, DType dtype, const std::vector<T>& values) {
  return {name, {dtype, {std::ssize(values)}, std::as_bytes(std::span(values))}};
}

}  // namespace

TokenCache::TokenCache(const DatasetOptions& options, const std::vector<DataFile>& files,
                       const text::Tokenizer& tokenizer)
    : key_(Key(options, files, tokenizer)),
      vocab_size_(tokenizer.vocab_size()),
      labels_(options.labels),
      known_labels_(options.known_labels),
      label_kind_(options.label_kind),
      has_targets_(options.row_kind != RowKind::kText) {
  path_ = options.cache_dir / (key_ + ".safetensors");
}

std::optional<Examples> TokenCache::Read() const {
  std::error_code error;
  if (!fs::exists(path_, error)) return std::nullopt;
  try {
    const auto file = io::SafetensorsFile::Open(path_);
    Require(MetadataOf(file, "key") == key_, "is of other data");
    Examples examples;
    examples.label_kind = label_kind_;
    examples.labels.names =
        io::ParseJson(MetadataOf(file, "labels"), "labels").get<std::vector<std::string>>();
    Require(!labels_ || examples.labels.names == labels_->names, "has other labels than were asked for");
    Require(!known_labels_ || StartsWith(examples.labels.names, known_labels_->names),
            "has not the labels that were known");
    examples.ids = ReadVector<int32_t>(file, "ids", DType::kI32);
    examples.offsets = ReadVector<int64_t>(file, "offsets", DType::kI64);
    examples.is_target = ReadVector<uint8_t>(file, "is_target", DType::kU8);
    examples.truncated = ReadVector<uint8_t>(file, "truncated", DType::kU8);
    examples.label_values = ReadVector<float>(file, "label_values", DType::kF32);
    examples.loss_weights = ReadVector<float>(file, "loss_weights", DType::kF32);
    examples.skipped = ReadSkipped(file);
    examples.warnings = ReadMessages(file, "warnings");
    CheckExamples(examples, vocab_size_, has_targets_);
    return examples;
  } catch (const std::runtime_error& fault) {
    log::Warning("{}: this cache entry is rebuilt: {}", path_.string(), fault.what());
  } catch (const nlohmann::json::exception&) {
    log::Warning("{}: this cache entry is rebuilt: its labels are not JSON", path_.string());
  }
  return std::nullopt;
}

void TokenCache::Write(const Examples& examples) const {
  std::error_code error;
  fs::create_directories(path_.parent_path(), error);
  std::vector<int64_t> before;
  std::vector<uint8_t> faults;
  std::vector<std::string> messages;
  for (const SkippedRow& row : examples.skipped) {
    before.push_back(row.before);
    faults.push_back(static_cast<uint8_t>(row.fault));
    messages.push_back(row.message);
  }
  const std::vector<char> skipped_messages = LinesOf(messages), warnings = LinesOf(examples.warnings);
  const std::map<std::string, std::string> metadata = {
      {"key", key_}, {"labels", nlohmann::json(examples.labels.names).dump()}};
  try {
    io::WriteSafetensors(
        path_,
        {Named("ids", DType::kI32, examples.ids), Named("offsets", DType::kI64, examples.offsets),
         Named("is_target", DType::kU8, examples.is_target),
         Named("truncated", DType::kU8, examples.truncated),
         Named("label_values", DType::kF32, examples.label_values),
         Named("loss_weights", DType::kF32, examples.loss_weights),
         Named("skipped_before", DType::kI64, before), Named("skipped_fault", DType::kU8, faults),
         Named("skipped_messages", DType::kU8, skipped_messages), Named("warnings", DType::kU8, warnings)},
        metadata);
  } catch (const std::runtime_error& fault) {
    log::Warning("tokens are not cached: {}", fault.what());
  }
}

}  // namespace gemtune::data
