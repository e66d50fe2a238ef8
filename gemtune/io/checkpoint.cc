#include "gemtune/io/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/float16.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/io/gguf.h"
#include "gemtune/io/gguf_config.h"
#include "gemtune/io/json_file.h"
#include "gemtune/io/mapped_file.h"
#include "gemtune/io/quantised.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/io/tensor_names.h"
#include "gemtune/kernels/quant.h"
#include "gemtune/kernels/quantize.h"

namespace gemtune::io {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
using kernels::BlockType;

// A megabyte of floats: long enough to be worth a thread, short enough that all finish together on a busy
// machine.
constexpr int64_t kChunkElements = 1 << 18;
constexpr const char* kIndexName = "model.safetensors.index.json";

// The source of a tensor's values.
struct Source {
  std::optional<BlockType> type;  // nullopt for integers and float64, which no weight has
  std::span<const std::byte> data;
  bool minus_one = false;  // stored as 1 + w
};

struct Tensor {
  TensorInfo info;
  Source source;
};

std::optional<BlockType> BlockTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return BlockType::kF32;
    case DType::kF16:
      return BlockType::kF16;
    case DType::kBF16:
      return BlockType::kBF16;
    default:
      return std::nullopt;
  }
}

// Lists the tensor under its text-only name; one of the vision tower is left out.
void List(const std::string& name, const TensorView& view, std::vector<Tensor>& tensors) {
  auto text_name = TextModelName(name);
  if (!text_name) return;
  tensors.push_back({{*std::move(text_name), std::string(DTypeName(view.dtype)), view.shape,
                      static_cast<int64_t>(view.data.size())},
                     {BlockTypeOf(view.dtype), view.data}});
}

// A file that cannot be examined (permissions) counts as missing.
bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The shards and the tensors in each, from the index. Throws Error if a shard's name leads out of the
// directory.
std::map<std::string, std::vector<std::string>> ReadIndex(const fs::path& path) {
  const Json index = ParseJsonFile(path);
  const auto weight_map = index.is_object() ? index.find("weight_map") : index.end();
  if (weight_map == index.end() || !weight_map->is_object())
    Fail("{}: has no object 'weight_map'", path.string());
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, file] : weight_map->items()) {
    if (!file.is_string()) Fail("{}: '{}' is not mapped to a file name", path.string(), Printable(tensor));
    const fs::path name = file.get_ref<const std::string&>();
    const bool leads_out = name.empty() || name.is_absolute() || *name.begin() == "..";
    // With other spellings ("./x", "a/../x") one large file could be listed, and read, a thousand times.
    const bool is_plain =
        name.native() == name.lexically_normal().native() && name.has_filename() && name != ".";
    if (leads_out || !is_plain || name.native().find('\0') != std::string::npos) {
      Fail("{}: '{}' is mapped to '{}', which is not a file of this directory", path.string(),
           Printable(tensor), Printable(name.string()));
    }
    shards[name.string()].push_back(tensor);
  }
  return shards;
}

void RefuseAdapter(const fs::path& directory) {
  if (!Exists(directory / "adapter_config.json")) return;
  Fail("{}: is an adapter, not a whole model; make it one first: gemtune merge", directory.string());
}

// Whether the model in PyTorch's files, which gemtune does not read, has a classifier's head.
bool IsClassifier(const fs::path& directory, const Json& config) {
  const auto says = [&](const char* entry, std::string_view text) {
    const auto found = config.find(entry);
    return found != config.end() && found->dump().find(text) != std::string::npos;
  };
  if (says("architectures", "ForSequenceClassification") || says("id2label", ":") ||
      config.contains("num_labels"))
    return true;
  const fs::path index = directory / "pytorch_model.bin.index.json";
  return Exists(index) && ReadFile(index).find("\"score.weight\"") != std::string::npos;
}

[[noreturn]] void FailWithoutWeights(const fs::path& directory, const Json& config) {
  RefuseAdapter(directory);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".bin" || extension == ".pt" || extension == ".pth") {
      Fail(
          "{0}: has PyTorch weights only ({1}); add safetensors in Python: import transformers; "
          "transformers.{2}"
          ".from_pretrained(\"{0}\").save_pretrained(\"{0}\")",
          directory.string(), Printable(entry.path().filename().string()),
          IsClassifier(directory, config) ? "AutoModelForSequenceClassification" : "AutoModelForCausalLM");
    }
  }
  Fail("{}: has neither model.safetensors nor {}", directory.string(), kIndexName);
}

[[noreturn]] void FailWithoutConfig(const fs::path& directory) {
  RefuseAdapter(directory);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".gguf") {
      Fail("{}: has no config.json; to read a GGUF file, name the file itself: {}", directory.string(),
           entry.path().string());
    }
  }
  Fail("{}: has no config.json; a model directory as save_pretrained writes it, or a GGUF file, is needed",
       directory.string());
}

// Converts numbers [begin, end) of `source`, whole blocks, into `out`.
void ReadNumbers(const Source& source, int64_t begin, int64_t end, DType out_dtype, void* out) {
  const kernels::BlockTypeInfo& block = kernels::Info(*source.type);
  const std::byte* from = source.data.data() + begin / block.elements * block.bytes;
  const int64_t count = end - begin;
  if (source.minus_one) {
    std::vector<float> values(static_cast<size_t>(count));
    kernels::Dequantize(*source.type, from, count, values.data());
    for (float& value : values) value -= 1.0f;
    ReadNumbers({BlockType::kF32, std::as_bytes(std::span(values))}, 0, count, out_dtype, out);
  } else if (out_dtype == DType::kF32) {
    kernels::Dequantize(*source.type, from, count, static_cast<float*>(out));
  } else {
    kernels::DequantizeToBFloat16(*source.type, from, count, static_cast<uint16_t*>(out));
  }
}

// Calls read(begin, end), on all threads, for ranges of whole blocks that cover the numbers of `source`.
// Drops the file's pages on the way; otherwise the whole file would stay in this process's memory.
void ForEachChunk(const Source& source, const std::function<void(int64_t begin, int64_t end)>& read) {
  const kernels::BlockTypeInfo& block = kernels::Info(*source.type);
  const int64_t elements = static_cast<int64_t>(source.data.size()) / block.bytes * block.elements;
  const int64_t chunks = CeilDiv(elements, kChunkElements);
  const auto read_chunk = [&](int64_t i) {
    const int64_t begin = i * kChunkElements, end = std::min(elements, begin + kChunkElements);
    read(begin, end);
    DropPages(source.data.subspan(static_cast<size_t>(begin / block.elements * block.bytes),
                                  static_cast<size_t>((end - begin) / block.elements * block.bytes)));
  };
  if (chunks == 1) return read_chunk(0);
  ParallelForEach(chunks, read_chunk);
}

}  // namespace

struct Checkpoint::State {
  fs::path path;
  std::string format;
  Json config;
  Json generation_config;
  std::vector<SafetensorsFile> shards;
  std::optional<GgufFile> gguf;
  std::vector<TensorInfo> tensors;  // sorted by name
  std::vector<Source> sources;      // of the same index

  void OpenDirectory() {
    format = "safetensors";
    if (!Exists(path / "config.json")) FailWithoutConfig(path);
    config = ParseJsonFile(path / "config.json");
    if (!config.is_object()) Fail("{}: is not a JSON object", (path / "config.json").string());
    const fs::path generation = path / "generation_config.json";
    if (Exists(generation)) generation_config = ParseJsonFile(generation);
    std::vector<Tensor> found;
    if (Exists(path / "model.safetensors")) {
      shards.push_back(SafetensorsFile::Open(path / "model.safetensors"));
      for (const auto& [name, view] : shards.back().tensors()) List(name, view, found);
    } else if (Exists(path / kIndexName)) {
      for (const auto& [file, names] : ReadIndex(path / kIndexName)) OpenShard(file, names, found);
    } else {
      FailWithoutWeights(path, config);
    }
    Take(std::move(found));
    RefuseQuantised(path, config, tensors);
  }

  void OpenShard(const std::string& file, const std::vector<std::string>& names, std::vector<Tensor>& found) {
    if (!Exists(path / file)) {
      Fail("{}: '{}' is missing, which {} lists: the model is not complete", path.string(), Printable(file),
           kIndexName);
    }
    shards.push_back(SafetensorsFile::Open(path / file));
    for (const std::string& name : names) {
      const auto tensor = shards.back().tensors().find(name);
      if (tensor == shards.back().tensors().end()) {
        Fail("{}: '{}' is missing, which {} lists: the model is not complete", (path / file).string(),
             Printable(name), kIndexName);
      }
      List(name, tensor->second, found);
    }
  }

  void OpenGguf() {
    format = "gguf";
    gguf = GgufFile::Open(path);
    const auto parts = gguf->Optional<int64_t>("split.count").value_or(1);
    if (parts > 1) {
      Fail("{}: is one of {} parts; merge them first with llama-gguf-split --merge", path.string(), parts);
    }
    config = Gemma3ConfigFromGguf(*gguf);
    std::vector<Tensor> found;
    for (const GgufTensor& tensor : gguf->tensors()) {
      // The vision tower and its projector, in files that contain them.
      if (tensor.name.starts_with("v.") || tensor.name.starts_with("mm.")) continue;
      const auto name = HfNameFromGguf(tensor.name).value_or(TranslatedName{std::string(tensor.name)});
      found.push_back({{name.name, std::string(kernels::Info(tensor.type).name), tensor.shape,
                        static_cast<int64_t>(tensor.data.size())},
                       {tensor.type, tensor.data, name.gguf_stores_one_plus}});
    }
    Take(std::move(found));
  }

  // `info` is what Find gave for `name`.
  const Source& SourceOf(const TensorInfo* info, const std::string& name) const {
    if (info == nullptr) Fail("{}: has no tensor '{}'", path.string(), name);
    return sources[static_cast<size_t>(info - tensors.data())];
  }

  // The same; throws Error if it cannot be converted to numbers.
  const Source& NumbersOf(const TensorInfo* info, const std::string& name) const {
    const Source& source = SourceOf(info, name);
    if (!source.type) {
      Fail("{}: '{}' is stored as {}; weights are read from F32, F16 and BF16", path.string(),
           Printable(name), info->stored_type);
    }
    return source;
  }

  void Take(std::vector<Tensor> found) {
    std::sort(found.begin(), found.end(),
              [](const Tensor& a, const Tensor& b) { return a.info.name < b.info.name; });
    for (Tensor& tensor : found) {
      if (!tensors.empty() && tensors.back().name == tensor.info.name) {
        Fail("{}: holds '{}' twice, under different prefixes", path.string(),
             Printable(tensor.info.name, 120));
      }
      tensors.push_back(std::move(tensor.info));
      sources.push_back(tensor.source);
    }
  }
};

Checkpoint::Checkpoint(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Checkpoint Checkpoint::Open(const fs::path& path) {
  auto state = std::make_shared<State>();
  state->path = path;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    state->OpenDirectory();
  } else if (!Exists(path)) {
    Fail("{}: there is no such file or directory", path.string());
  } else if (fs::is_regular_file(path, error) && GgufFile::HasMagic(path)) {
    state->OpenGguf();
  } else if (path.extension() == ".safetensors") {
    Fail("{}: name the directory that holds it and its config.json", path.string());
  } else {
    Fail("{}: is neither a GGUF file nor a model directory", path.string());
  }
  return Checkpoint(std::move(state));
}

const Json& Checkpoint::config() const {
  return state_->config;
}

const Json& Checkpoint::generation_config() const {
  return state_->generation_config;
}

const std::vector<TensorInfo>& Checkpoint::tensors() const {
  return state_->tensors;
}

const TensorInfo* Checkpoint::Find(const std::string& name) const {
  const auto& tensors = state_->tensors;
  const auto found =
      std::lower_bound(tensors.begin(), tensors.end(), name,
                       [](const TensorInfo& info, const std::string& n) { return info.name < n; });
  return found == tensors.end() || found->name != name ? nullptr : &*found;
}

void Checkpoint::Read(const std::string& name, DType out_dtype, void* out) const {
  GEMTUNE_CHECK(out_dtype == DType::kF32 || out_dtype == DType::kBF16);
  const Source& source = state_->NumbersOf(Find(name), name);
  ForEachChunk(source, [&](int64_t begin, int64_t end) {
    ReadNumbers(source, begin, end, out_dtype, static_cast<std::byte*>(out) + begin * ElementSize(out_dtype));
  });
}

void Checkpoint::ReadQ8_0(const std::string& name, std::byte* out) const {
  const Source& source = state_->NumbersOf(Find(name), name);
  ForEachChunk(source, [&](int64_t begin, int64_t end) {
    std::vector<float> numbers(static_cast<size_t>(end - begin));
    ReadNumbers(source, begin, end, DType::kF32, numbers.data());
    std::byte* const blocks = out + kernels::RowBytes(BlockType::kQ8_0, begin);
    if (!kernels::Quantize(BlockType::kQ8_0, numbers.data(), end - begin, blocks)) {
      Fail("{}: '{}' holds a number that is not finite, or too large for Q8_0", path().string(),
           Printable(name));
    }
  });
}

StoredBlocks Checkpoint::Blocks(const std::string& name) const {
  GEMTUNE_CHECK(state_->gguf.has_value());
  const Source& source = state_->SourceOf(Find(name), name);
  GEMTUNE_CHECK(!source.minus_one);
  return {.type = source.type.value(), .bytes = source.data, .owner = state_};
}

const std::string& Checkpoint::format() const {
  return state_->format;
}

const fs::path& Checkpoint::path() const {
  return state_->path;
}

}  // namespace gemtune::io
