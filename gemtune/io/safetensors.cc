#include "gemtune/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/json_file.h"

namespace gemtune::io {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "numbers are read and written in place");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadataKey = "__metadata__";

// Reads the header of one file; `place` in every message.
class Header {
 public:
  explicit Header(const MappedFile& file) : file_(file.path().string()) {
    const auto bytes = file.bytes();
    uint64_t size = 0;
    if (bytes.size() < sizeof size)
      Fail("{}: {} bytes are too few for a safetensors file", file_, bytes.size());
    std::memcpy(&size, bytes.data(), sizeof size);
    if (size > kMaxHeaderBytes) {
      Fail("{}: says its header has {} bytes, more than {}: not a safetensors file", file_, size,
           kMaxHeaderBytes);
    }
    if (size > bytes.size() - sizeof size) {
      Fail("{}: says its header has {} bytes, the file has {}: it is cut short", file_, size, bytes.size());
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof size, size);
    if (!text.starts_with('{')) Fail("{}: header does not begin with '{{': not a safetensors file", file_);
    json_ = ParseJson(text, file_ + ": header");
    data_ = bytes.subspan(sizeof size + size);
  }

  std::map<std::string, std::string> Metadata() const {
    std::map<std::string, std::string> metadata;
    const auto found = json_.find(kMetadataKey);
    if (found == json_.end()) return metadata;
    if (!found->is_object()) Fail("{}: {} is not an object", file_, kMetadataKey);
    for (const auto& [key, value] : found->items()) {
      if (!value.is_string()) Fail("{}: {} '{}' is not a string", file_, kMetadataKey, Printable(key));
      metadata.emplace(key, value.get<std::string>());
    }
    return metadata;
  }

  std::map<std::string, TensorView> Tensors() const {
    std::map<std::string, TensorView> tensors;
    for (const auto& [name, entry] : json_.items()) {
      if (name != kMetadataKey) tensors.emplace(name, Tensor(name, entry));
    }
    CheckContiguous(tensors);
    return tensors;
  }

 private:
  template <typename... Args>
  [[noreturn]] void FailAt(const std::string& name, fmt::format_string<Args...> format,
                           Args&&... args) const {
    Fail("{}: '{}': {}", file_, Printable(name), fmt::format(format, std::forward<Args>(args)...));
  }

  // The array of non-negative integers under `key`.
  std::vector<int64_t> Integers(const std::string& name, const Json& entry, const char* key) const {
    const auto found = entry.find(key);
    if (found == entry.end() || !found->is_array()) FailAt(name, "has no array '{}'", key);
    std::vector<int64_t> values;
    for (const Json& value : *found) {
      if (!value.is_number_unsigned() || value.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
        FailAt(name, "'{}' holds {}, which is not a size", key, Printable(value.dump()));
      }
      values.push_back(value.get<int64_t>());
    }
    return values;
  }

  DType Type(const std::string& name, const Json& entry) const {
    const auto found = entry.find("dtype");
    if (found == entry.end() || !found->is_string()) FailAt(name, "has no string 'dtype'");
    try {
      return ParseDType(found->get_ref<const std::string&>());
    } catch (const Error& error) {
      FailAt(name, "{}", error.what());
    }
  }

  TensorView Tensor(const std::string& name, const Json& entry) const {
    if (!entry.is_object()) FailAt(name, "is not an object");
    TensorView tensor{Type(name, entry), Integers(name, entry, "shape"), {}};
    int64_t bytes = ElementSize(tensor.dtype);
    for (const int64_t size : tensor.shape) {
      if (__builtin_mul_overflow(bytes, size, &bytes)) FailAt(name, "is too large: its shape overflows");
    }
    const std::vector<int64_t> offsets = Integers(name, entry, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1])
      FailAt(name, "data_offsets are not a begin and an end");
    if (static_cast<uint64_t>(offsets[1]) > data_.size()) {
      FailAt(name, "offset {} past end {}: the file is cut short", offsets[1], data_.size());
    }
    if (offsets[1] - offsets[0] != bytes) {
      FailAt(name, "holds {} bytes, its dtype and shape need {}", offsets[1] - offsets[0], bytes);
    }
    tensor.data = data_.subspan(static_cast<size_t>(offsets[0]), static_cast<size_t>(bytes));
    return tensor;
  }

  // No holes (room to hide something), no overlaps, nothing after the last tensor.
  void CheckContiguous(const std::map<std::string, TensorView>& tensors) const {
    std::vector<std::pair<std::span<const std::byte>, const std::string*>> ranges;
    ranges.reserve(tensors.size());
    for (const auto& [name, tensor] : tensors) ranges.emplace_back(tensor.data, &name);
    std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first.data(), a.first.size()) < std::pair(b.first.data(), b.first.size());
    });
    const std::byte* end = data_.data();
    for (const auto& [data, name] : ranges) {
      if (data.data() != end) {
        FailAt(*name, "begins at {} where {} was expected: tensors overlap or leave a hole",
               data.data() - data_.data(), end - data_.data());
      }
      end = data.data() + data.size();
    }
    if (end != data_.data() + data_.size()) {
      Fail("{}: {} bytes after the last tensor", file_, data_.data() + data_.size() - end);
    }
  }

  std::string file_;
  Json json_;
  std::span<const std::byte> data_;
};

int64_t Elements(const TensorView& tensor) {
  int64_t elements = 1;
  for (const int64_t size : tensor.shape) elements *= size;
  return elements;
}

// {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}, padded with spaces to a multiple of 8.
std::string HeaderText(std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  auto& members = header.get_ref<Json::object_t&>();
  std::set<std::string_view> names;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const size_t bytes = tensor.data.size();
    GEMTUNE_CHECK(name != kMetadataKey && names.insert(name).second);
    GEMTUNE_CHECK(static_cast<size_t>(Elements(tensor) * ElementSize(tensor.dtype)) == bytes);
    members.emplace_back(name, Json{{"dtype", DTypeName(tensor.dtype)},
                                    {"shape", tensor.shape},
                                    {"data_offsets", {offset, offset + bytes}}});
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void WriteFile(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
               const std::map<std::string, std::string>& metadata) {
  const std::string header = HeaderText(tensors, metadata);
  const uint64_t size = header.size();
  AtomicFile file(path);
  file.Write({reinterpret_cast<const char*>(&size), sizeof size});
  file.Write(header);
  for (const auto& [name, tensor] : tensors) {
    file.Write({reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()});
  }
  file.Commit();
}

// huggingface_hub's split_state_dict_into_shards_factory: greedy in order; a tensor larger than a shard may
// be gets one of its own, before the shard that is being filled.
std::vector<std::vector<NamedTensor>> Split(const std::vector<NamedTensor>& tensors,
                                            int64_t max_shard_bytes) {
  std::vector<std::vector<NamedTensor>> shards;
  std::vector<NamedTensor> current;
  int64_t current_bytes = 0;
  for (const NamedTensor& tensor : tensors) {
    const auto bytes = static_cast<int64_t>(tensor.tensor.data.size());
    if (bytes > max_shard_bytes) {
      shards.push_back({tensor});
      continue;
    }
    if (current_bytes + bytes > max_shard_bytes) {
      shards.push_back(std::exchange(current, {}));
      current_bytes = 0;
    }
    current.push_back(tensor);
    current_bytes += bytes;
  }
  if (!current.empty() || shards.empty()) shards.push_back(std::move(current));
  return shards;
}

}  // namespace

SafetensorsFile SafetensorsFile::Open(const std::filesystem::path& path) {
  SafetensorsFile opened;
  opened.file_ = std::make_shared<const MappedFile>(MappedFile::Open(path));
  const Header header(*opened.file_);
  opened.metadata_ = header.Metadata();
  opened.tensors_ = header.Tensors();
  return opened;
}

void WriteSafetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  WriteFile(path, tensors, metadata);
}

void WriteShardedSafetensors(const std::filesystem::path& directory, const std::vector<NamedTensor>& tensors,
                             int64_t max_shard_bytes) {
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  const auto shards = Split(tensors, max_shard_bytes);
  if (shards.size() == 1) return WriteFile(directory / "model.safetensors", shards[0], metadata);
  nlohmann::json weight_map;  // sorted, as save_pretrained writes it
  int64_t elements = 0;
  int64_t bytes = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    WriteFile(directory / name, shards[i], metadata);
    for (const NamedTensor& tensor : shards[i]) {
      weight_map[tensor.name] = name;
      elements += Elements(tensor.tensor);
      bytes += static_cast<int64_t>(tensor.tensor.data.size());
    }
  }
  const nlohmann::json index = {{"metadata", {{"total_parameters", elements}, {"total_size", bytes}}},
                                {"weight_map", weight_map}};
  WriteFileAtomically(directory / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace gemtune::io
