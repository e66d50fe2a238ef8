#include "gemtune/io/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::io {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are read in place");

constexpr std::string_view kMagic = "GGUF";

// enum ggml_type in ggml.h, without what kernels::BlockTypes() has: for messages only.
constexpr std::array<std::pair<uint32_t, std::string_view>, 23> kUnreadableTypes = {{
    {3, "Q4_1"},     {7, "Q5_1"},    {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},
    {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"},
    {22, "IQ2_S"},   {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},   {26, "I32"},    {27, "I64"},
    {28, "F64"},     {29, "IQ1_M"},  {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"},
}};

std::string GgmlTypeName(uint32_t id) {
  for (const auto& [known, name] : kUnreadableTypes) {
    if (known == id) return std::string(name);
  }
  return fmt::format("type {}", id);
}

std::string ReadableTypes() {
  std::string names;
  for (const kernels::BlockTypeInfo& info : kernels::BlockTypes()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", info.name);
  }
  return names;
}

// A tensor's entry in the file, before its data is looked up.
struct Entry {
  std::string_view name;
  uint32_t ggml_type = 0;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // from the start of the data section
};

}  // namespace

// Reads the file from front to back. Every step is checked against what is left, so a false count or length
// is found before anything is allocated for it.
class GgufParser {
 public:
  explicit GgufParser(const MappedFile& file) : file_(file), left_(file.bytes()) {}

  void ParseInto(GgufFile::State& state) {
    const auto [tensors, pairs] = Header();
    for (uint64_t i = 0; i < pairs; ++i) Pair(i, state.metadata);
    std::vector<Entry> entries;
    std::set<std::string_view> names;
    for (uint64_t i = 0; i < tensors; ++i) {
      entries.push_back(TensorEntry(i));
      if (!names.insert(entries.back().name).second) FailHere("occurs twice");
    }
    const uint64_t alignment = Alignment(state.metadata);
    const uint64_t padding = (alignment - Position() % alignment) % alignment;
    const auto data = left_.subspan(std::min<uint64_t>(padding, left_.size()));
    for (Entry& entry : entries) state.tensors.push_back(Resolve(std::move(entry), data, alignment));
    RefuseOverlaps(state.tensors);
  }

 private:
  template <typename... Args>
  [[noreturn]] void FailHere(fmt::format_string<Args...> format, Args&&... args) const {
    Fail("{}: {} {}", file_.path().string(), place_, fmt::format(format, std::forward<Args>(args)...));
  }

  uint64_t Position() const { return file_.bytes().size() - left_.size(); }

  std::span<const std::byte> Take(uint64_t bytes) {
    if (bytes > left_.size()) {
      FailHere("needs {} bytes at {}, the file has {} left: it is cut short or not a valid GGUF file", bytes,
               Position(), left_.size());
    }
    const auto taken = left_.first(bytes);
    left_ = left_.subspan(bytes);
    return taken;
  }

  template <typename T>
  T Number() {
    T value;
    std::memcpy(&value, Take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string_view String() {
    const auto bytes = Take(Number<uint64_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::pair<uint64_t, uint64_t> Header() {
    place_ = "header";
    const auto magic = Take(kMagic.size());
    if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) {
      Fail("{}: is not a GGUF file", file_.path().string());
    }
    const auto version = Number<uint32_t>();
    if (version != 0 && (version & 0xffff) == 0) {
      FailHere("is big endian; convert it with gguf-convert-endian from the gguf Python package");
    }
    if (version != 2 && version != 3) {
      FailHere("says GGUF version {}; 2 and 3 can be read: convert the model again with a current llama.cpp",
               version);
    }
    const auto tensors = Number<uint64_t>();
    return {tensors, Number<uint64_t>()};
  }

  void Pair(uint64_t index, std::map<std::string_view, GgufValue>& metadata) {
    place_ = fmt::format("metadata key {}", index);
    const std::string_view key = String();
    place_ = fmt::format("metadata '{}'", Printable(key));
    if (!metadata.emplace(key, Value(ValueType())).second) FailHere("occurs twice");
  }

  GgufType ValueType() {
    const auto type = Number<uint32_t>();
    if (type >= kNumGgufTypes) FailHere("has unknown type {}", type);
    return static_cast<GgufType>(type);
  }

  GgufValue Value(GgufType type) {
    switch (type) {
      case GgufType::kUint8:
        return uint64_t{Number<uint8_t>()};
      case GgufType::kInt8:
        return int64_t{Number<int8_t>()};
      case GgufType::kUint16:
        return uint64_t{Number<uint16_t>()};
      case GgufType::kInt16:
        return int64_t{Number<int16_t>()};
      case GgufType::kUint32:
        return uint64_t{Number<uint32_t>()};
      case GgufType::kInt32:
        return int64_t{Number<int32_t>()};
      case GgufType::kFloat32:
        return double{Number<float>()};
      case GgufType::kBool:
        return Bool();
      case GgufType::kString:
        return String();
      case GgufType::kArray:
        return Array();
      case GgufType::kUint64:
        return Number<uint64_t>();
      case GgufType::kInt64:
        return Number<int64_t>();
      case GgufType::kFloat64:
        return Number<double>();
    }
    FailHere("has unknown type");
  }

  bool Bool() {
    const auto value = Number<uint8_t>();
    if (value > 1) FailHere("is a bool of value {}", value);
    return value == 1;
  }

  GgufValue Array() {
    const GgufType type = ValueType();
    const auto size = Number<uint64_t>();
    // llama.cpp refuses arrays of arrays as well; no model has one.
    if (type == GgufType::kArray) FailHere("is an array of arrays, which cannot be read");
    const bool strings = type == GgufType::kString;
    const uint64_t smallest = strings ? sizeof(uint64_t) : GgufTypeBytes(type);
    if (size > left_.size() / smallest) {
      FailHere("is an array of {} {}, the file has {} bytes left: it is cut short or not a valid GGUF file",
               size, GgufTypeName(type), left_.size());
    }
    if (!strings) return GgufNumberArray{type, size, Take(size * smallest).data()};
    std::vector<std::string_view> values;
    values.reserve(size);
    for (uint64_t i = 0; i < size; ++i) values.push_back(String());
    return values;
  }

  Entry TensorEntry(uint64_t index) {
    place_ = fmt::format("tensor {}", index);
    Entry entry;
    entry.name = String();
    place_ = fmt::format("tensor '{}'", Printable(entry.name));
    const auto dimensions = Number<uint32_t>();
    if (dimensions > 4) FailHere("has {} dimensions, more than 4", dimensions);
    for (uint32_t i = 0; i < dimensions; ++i) {
      const auto size = Number<uint64_t>();
      if (size > uint64_t{std::numeric_limits<int64_t>::max()}) FailHere("has a dimension of {}", size);
      entry.shape.push_back(static_cast<int64_t>(size));
    }
    std::reverse(entry.shape.begin(), entry.shape.end());  // ggml counts dimensions from the innermost
    entry.ggml_type = Number<uint32_t>();
    entry.offset = Number<uint64_t>();
    return entry;
  }

  uint64_t Alignment(const std::map<std::string_view, GgufValue>& metadata) {
    const auto found = metadata.find("general.alignment");
    if (found == metadata.end()) return 32;
    place_ = "metadata 'general.alignment'";
    const auto* value = std::get_if<uint64_t>(&found->second);
    if (value == nullptr || !std::has_single_bit(*value)) FailHere("is not an unsigned power of two");
    return *value;
  }

  GgufTensor Resolve(Entry entry, std::span<const std::byte> data, uint64_t alignment) {
    place_ = fmt::format("tensor '{}'", Printable(entry.name));
    const auto type = kernels::BlockTypeFromGgmlId(entry.ggml_type);
    if (!type) {
      FailHere("is stored as {}, which cannot be read; take a file quantised with {}",
               GgmlTypeName(entry.ggml_type), ReadableTypes());
    }
    const kernels::BlockTypeInfo& info = kernels::Info(*type);
    int64_t elements = 1;
    for (const int64_t size : entry.shape) {
      if (__builtin_mul_overflow(elements, size, &elements)) FailHere("is too large: its shape overflows");
    }
    const int64_t row = entry.shape.empty() ? 1 : entry.shape.back();
    if (row % info.elements != 0) {
      FailHere("has rows of {}, not a multiple of {}'s block of {}", row, info.name, info.elements);
    }
    int64_t bytes = 0;
    if (__builtin_mul_overflow(elements / info.elements, info.bytes, &bytes)) {
      FailHere("is too large: its shape overflows");
    }
    if (entry.offset % alignment != 0)
      FailHere("begins at {}, not a multiple of {}", entry.offset, alignment);
    if (entry.offset > data.size() || static_cast<uint64_t>(bytes) > data.size() - entry.offset) {
      FailHere("needs {} bytes from {}, past the data's end {}: the file is cut short", bytes, entry.offset,
               data.size());
    }
    return {entry.name, *type, std::move(entry.shape),
            data.subspan(entry.offset, static_cast<size_t>(bytes))};
  }

  // Otherwise a thousand tensors could share the same megabytes, and need a thousand times as much memory.
  void RefuseOverlaps(const std::vector<GgufTensor>& tensors) {
    std::vector<const GgufTensor*> sorted;
    for (const GgufTensor& tensor : tensors) {
      if (!tensor.data.empty()) sorted.push_back(&tensor);
    }
    std::ranges::sort(sorted, {}, [](const GgufTensor* tensor) { return tensor->data.data(); });
    for (size_t i = 1; i < sorted.size(); ++i) {
      const auto before = sorted[i - 1]->data;
      if (before.data() + before.size() <= sorted[i]->data.data()) continue;
      place_ = fmt::format("tensor '{}'", Printable(sorted[i]->name));
      FailHere("overlaps tensor '{}'", Printable(sorted[i - 1]->name));
    }
  }

  const MappedFile& file_;
  std::span<const std::byte> left_;
  std::string place_;  // what is being read, for messages
};

GgufFile GgufFile::Open(const std::filesystem::path& path) {
  auto state = std::make_shared<State>();
  state->file = std::make_shared<const MappedFile>(MappedFile::Open(path));
  GgufParser(*state->file).ParseInto(*state);
  return GgufFile(std::move(state));
}

bool GgufFile::HasMagic(const std::filesystem::path& path) {
  std::array<char, kMagic.size()> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return std::string_view(start.data(), start.size()) == kMagic;
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = state_->metadata.find(key);
  return found == state_->metadata.end() ? nullptr : &found->second;
}

void GgufFile::FailMissing(std::string_view key) const {
  Fail("{}: metadata '{}' is missing", file().path().string(), key);
}

template <typename T>
std::optional<T> GgufFile::Optional(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  auto converted = ConvertValue<T>(*value);
  if (!converted) {
    Fail("{}: metadata '{}' is {}; expected {}", file().path().string(), key, Describe(*value),
         DescribeType<T>());
  }
  return converted;
}

template std::optional<bool> GgufFile::Optional(std::string_view) const;
template std::optional<int32_t> GgufFile::Optional(std::string_view) const;
template std::optional<uint32_t> GgufFile::Optional(std::string_view) const;
template std::optional<int64_t> GgufFile::Optional(std::string_view) const;
template std::optional<uint64_t> GgufFile::Optional(std::string_view) const;
template std::optional<float> GgufFile::Optional(std::string_view) const;
template std::optional<double> GgufFile::Optional(std::string_view) const;
template std::optional<std::string_view> GgufFile::Optional(std::string_view) const;
template std::optional<std::span<const std::string_view>> GgufFile::Optional(std::string_view) const;
template std::optional<std::vector<float>> GgufFile::Optional(std::string_view) const;
template std::optional<std::vector<int32_t>> GgufFile::Optional(std::string_view) const;

}  // namespace gemtune::io
