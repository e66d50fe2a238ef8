#include "gemtune/model/pretrained.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "gemtune/io/json_file.h"
#include "gemtune/io/quantised.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/model/model_directory.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// What an adapter's outputs mean, as config.json would say it. A config.json beside an adapter makes
// transformers look for a whole model there, and peft drops entries of adapter_config.json that it does not
// know.
constexpr const char* kAdapterHead = "classifier.json";

constexpr const char* kHeadWeight = "score.weight";

DType ToDType(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return DType::kF32;
    case at::kBFloat16:
      return DType::kBF16;
    default:
      GEMTUNE_CHECK(false && "parameters are fp32 or bf16");
  }
  return DType::kF32;
}

std::string ShapeText(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

const Json& TextConfig(const Json& config) {
  const auto nested = config.find("text_config");
  return nested == config.end() || !nested->is_object() ? config : *nested;
}

// What the outputs mean, as entries of a config.json.
void AddHead(const ClassifierHead& head, Json& config) {
  config["problem_type"] = head.problem_type;
  config["num_labels"] = head.label_names.size();
  config["id2label"] = Json::object();
  config["label2id"] = Json::object();
  for (size_t id = 0; id < head.label_names.size(); ++id) {
    config["id2label"][std::to_string(id)] = head.label_names[id];
    config["label2id"][head.label_names[id]] = id;
  }
}

// config.json of the classifier: the text model's own entries, then the head's.
Json ClassifierConfig(const Json& source, const ClassifierHead& head, at::ScalarType dtype,
                      int64_t pad_token_id) {
  Json config = TextConfig(source);
  for (const char* stale : {"torch_dtype", "quantization_config", "_name_or_path", "_model_name_or_path"}) {
    config.erase(stale);
  }
  config["architectures"] = {"Gemma3TextForSequenceClassification"};
  config["model_type"] = "gemma3_text";
  config["dtype"] = dtype == at::kBFloat16 ? "bfloat16" : "float32";
  config["pad_token_id"] = pad_token_id;
  AddHead(head, config);
  return config;
}

// Throws Error if the tensor of a parameter is missing or of another shape.
void CheckParameter(const io::Checkpoint& checkpoint, const std::string& name, at::IntArrayRef shape) {
  const io::TensorInfo* info = checkpoint.Find(name);
  if (info == nullptr) Fail("{}: tensor '{}' is missing", checkpoint.path().string(), name);
  if (at::IntArrayRef(info->shape) != shape) {
    Fail("{}: tensor '{}' has shape {}, the configuration asks for {}", checkpoint.path().string(), name,
         ShapeText(info->shape), ShapeText(shape));
  }
}

// Nothing is copied: the tensor looks into the mapped file, and holds it open.
ops::BlockRows FileBlocks(const io::Checkpoint& checkpoint, const std::string& name) {
  if (checkpoint.format() != "gguf") {
    Fail(
        "--base-dtype keep: {} is not a GGUF file, the only format with blocks to keep; --base-dtype q8_0 "
        "makes some",
        checkpoint.path().string());
  }
  const io::StoredBlocks stored = checkpoint.Blocks(name);
  const int64_t rows = checkpoint.Find(name)->shape.front();
  const auto bytes = static_cast<int64_t>(stored.bytes.size());
  return {.bytes = at::from_blob(
              const_cast<std::byte*>(stored.bytes.data()), {rows, bytes / rows},
              [owner = stored.owner](void*) {}, at::kByte),
          .type = stored.type};
}

ops::BlockRows Q8_0Blocks(const io::Checkpoint& checkpoint, const std::string& name, at::Device device) {
  constexpr kernels::BlockType kType = kernels::BlockType::kQ8_0;
  const std::vector<int64_t>& shape = checkpoint.Find(name)->shape;
  if (shape[1] % kernels::Info(kType).elements != 0) {
    Fail("--base-dtype q8_0: the rows of '{}' have {} numbers, which is no multiple of a block's {}", name,
         shape[1], kernels::Info(kType).elements);
  }
  const auto options = at::TensorOptions().dtype(at::kByte).device(device);
  ops::BlockRows made{.bytes = at::empty({shape[0], kernels::RowBytes(kType, shape[1])}, options),
                      .type = kType};
  if (!device.is_meta()) checkpoint.ReadQ8_0(name, static_cast<std::byte*>(made.bytes.mutable_data_ptr()));
  return made;
}

void UseBlocks(const io::Checkpoint& checkpoint, const torch::nn::Module& trunk, BaseWeights base_weights) {
  for (const auto& item : trunk.named_modules("", /*include_self=*/false)) {
    auto* linear = dynamic_cast<LinearImpl*>(item.value().get());
    auto* embedding = dynamic_cast<TokenEmbeddingImpl*>(item.value().get());
    if (linear == nullptr && embedding == nullptr) continue;
    const std::string name = "model." + item.key() + ".weight";
    const at::Device device = item.value()->parameters().front().device();
    ops::BlockRows blocks = base_weights == BaseWeights::kFileBlocks ? FileBlocks(checkpoint, name)
                                                                     : Q8_0Blocks(checkpoint, name, device);
    blocks.bytes = blocks.bytes.to(device);
    linear != nullptr ? linear->KeepBlocks(blocks) : embedding->KeepBlocks(blocks);
  }
}

// Fills those rows of the head's weight [outputs, hidden_size] that the checkpoint's head has; false: none.
bool LoadHeadRows(const io::Checkpoint& checkpoint, const ClassifierHead& head, at::Tensor weight) {
  const std::optional<ClassifierHead> before = FindHead(checkpoint);
  if (!before) return false;
  const auto outputs = static_cast<int64_t>(before->label_names.size());
  const at::NoGradGuard no_grad;
  at::Tensor stored = at::empty({outputs, weight.size(1)}, weight.options());
  CheckParameter(checkpoint, kHeadWeight, stored.sizes());
  checkpoint.Read(kHeadWeight, ToDType(stored.scalar_type()), stored.mutable_data_ptr());
  const auto rows = HeadRows(*before, head);
  for (size_t id = 0; id < rows.size(); ++id) {
    if (rows[id]) weight[static_cast<int64_t>(id)].copy_(stored[*rows[id]]);
  }
  return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.has_value(); });
}

PretrainedClassifier Load(const io::Checkpoint& checkpoint, text::Tokenizer tokenizer,
                          const ClassifierHead& head, at::ScalarType dtype,
                          BaseWeights base_weights = BaseWeights::kNumbers) {
  const std::string source = checkpoint.path().string();
  PretrainedClassifier loaded{.config = Gemma3TextConfig::FromJson(checkpoint.config(), source + ": config"),
                              .config_json = checkpoint.config(),
                              .generation_config = checkpoint.generation_config(),
                              .tokenizer = std::move(tokenizer),
                              .head = head,
                              .model = nullptr};
  const auto num_labels = static_cast<int64_t>(head.label_names.size());
  Outline(checkpoint, loaded.config, num_labels, base_weights);
  loaded.model = SequenceClassifier(loaded.config, num_labels, at::TensorOptions().dtype(dtype));
  if (base_weights != BaseWeights::kNumbers) UseBlocks(checkpoint, *loaded.model->trunk(), base_weights);
  LoadParameters(checkpoint, *loaded.model->trunk(), "model.");
  loaded.head_is_new = !LoadHeadRows(checkpoint, head, loaded.model->score()->weight);
  return loaded;
}

// What an adapter's outputs mean: gemtune's file beside it says it, or its base's configuration, or nothing
// does.
ClassifierHead HeadOfAdapter(const fs::path& path, const Json& base_config, int64_t outputs) {
  const auto fits = [&](const Json& config) {
    const auto names = config.find("id2label");
    return names != config.end() && static_cast<int64_t>(names->size()) == outputs;
  };
  if (const fs::path own = path / kAdapterHead; fs::exists(own)) {
    const Json config = io::ParseJsonFile(own);
    if (!config.is_object() || !fits(config)) {
      Fail("{}: 'id2label' does not name the head's {} outputs", own.string(), outputs);
    }
    return HeadFromConfig(config, own.string());
  }
  if (fits(base_config)) return HeadFromConfig(base_config, path.string() + ": the base's config");
  return HeadFromConfig({{"num_labels", outputs}}, path.string());
}

// Where the base lies that an adapter belongs to. Throws Error if it lies nowhere.
fs::path BaseOfAdapter(const fs::path& path, const std::string& named, const fs::path& given) {
  const fs::path base = given.empty() ? fs::path(named) : given;
  if (!base.empty() && fs::exists(base)) return base;
  const std::string unquantised = io::UnquantisedName(base.string());
  if (!unquantised.empty()) {
    Fail("{}: its base model '{}' is quantised; name '{}', which it was made from, with --base-model",
         path.string(), Printable(base.string()), Printable(unquantised));
  }
  Fail("{}: its base model '{}' is not there; name it with --base-model", path.string(),
       Printable(base.string()));
}

PretrainedClassifier LoadAdapter(const fs::path& path, at::ScalarType dtype, const fs::path& base_model) {
  AdapterConfig adapter = ReadAdapterConfig(path);
  const AdapterContents contents = ReadAdapterContents(path);
  adapter.lora.trunk_prefix = contents.trunk_prefix;
  // peft puts it in the place of the base's.
  if (contents.has_embedding) adapter.lora.modules_to_save.emplace_back("embed_tokens");
  const fs::path base = BaseOfAdapter(path, adapter.base_model_name_or_path, base_model);
  adapter.base_model_name_or_path = base.string();
  const io::Checkpoint checkpoint = io::Checkpoint::Open(base);
  const bool has_tokenizer = fs::exists(path / "tokenizer.json") || fs::exists(path / "tokenizer.model");
  const auto config = Gemma3TextConfig::FromJson(checkpoint.config(), base.string() + ": config");
  SequenceClassifier outline = Outline(checkpoint, config, contents.outputs);
  LoraConfig outline_lora = adapter.lora;
  AttachLora(*outline, outline_lora, /*seed=*/0);
  CheckAdapterWeights(path, *outline);
  PretrainedClassifier loaded = Load(checkpoint, text::Tokenizer::Load(has_tokenizer ? path : base),
                                     HeadOfAdapter(path, checkpoint.config(), contents.outputs), dtype);
  loaded.adapter = adapter;
  loaded.adapter_pass = AttachLora(*loaded.model, loaded.adapter->lora, /*seed=*/0);
  ReadAdapterWeights(path, *loaded.model);
  loaded.head_is_new = false;
  return loaded;
}

// id2label of a config.json; without one, peft's and transformers' LABEL_0, LABEL_1, ...
std::vector<std::string> LabelNames(const Json& config, const std::string& source) {
  const auto is_absent = [&](const char* name) { return !config.contains(name) || config[name].is_null(); };
  std::vector<std::string> names;
  if (is_absent("id2label")) {
    constexpr int64_t kMost = 1'000'000;
    const Json count = is_absent("num_labels") ? Json(2) : config["num_labels"];  // as transformers has it
    if (!count.is_number_integer() || count < 1 || count > kMost)
      Fail("{}: 'num_labels' is no number between 1 and {}", source, kMost);
    for (int64_t id = 0; id < count.get<int64_t>(); ++id) names.push_back(fmt::format("LABEL_{}", id));
    return names;
  }
  const Json& labels = config["id2label"];
  if (!labels.is_object() || labels.empty()) Fail("{}: 'id2label' is no object of ids and names", source);
  // transformers takes num_labels then, and loses the names.
  if (!is_absent("num_labels") && config["num_labels"] != labels.size()) {
    Fail("{}: 'num_labels' is {}, but 'id2label' names {} labels; correct one of them", source,
         Printable(config["num_labels"].dump()), labels.size());
  }
  names.resize(labels.size());
  std::vector<bool> seen(names.size());
  for (const auto& [id, name] : labels.items()) {
    const bool is_number = !id.empty() && id.size() < 10 &&
                           std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c); });
    const size_t index = is_number ? std::stoul(id) : names.size();
    if (index >= names.size() || seen[index]) {
      Fail("{}: 'id2label' does not number its labels 0 to {}", source, names.size() - 1);
    }
    if (!name.is_string() && !name.is_number()) {
      Fail("{}: 'id2label' calls {} {}, which is neither a text nor a number", source, index,
           Printable(name.dump()));
    }
    seen[index] = true;
    names[index] = name.is_string() ? name.get<std::string>() : name.dump();
  }
  return names;
}

// Throws Error unless the checkpoint has a head of as many outputs as its configuration has labels.
void CheckHead(const io::Checkpoint& checkpoint, const fs::path& path) {
  const io::TensorInfo* score = checkpoint.Find("score.weight");
  if (score == nullptr) {
    Fail("{}: no 'score.weight'; this is not a fine-tuned classifier (train one with gemtune train)",
         path.string());
  }
  if (checkpoint.Find("score.bias") != nullptr) {
    Fail("{}: has a 'score.bias', which the head of a classifier of texts has not; is it one of tokens?",
         path.string());
  }
  const auto labels = LabelNames(checkpoint.config(), path.string() + ": config").size();
  if (score->shape.empty() || score->shape[0] != static_cast<int64_t>(labels)) {
    const Json& config = checkpoint.config();
    const bool is_said = config.contains("id2label") || config.contains("num_labels");
    Fail("{}: 'score.weight' has shape {}, but config.json {} {} labels; correct its 'id2label'",
         path.string(), ShapeText(score->shape), is_said ? "names" : "names none, which means", labels);
  }
}

}  // namespace

SequenceClassifier Outline(const io::Checkpoint& checkpoint, const Gemma3TextConfig& config,
                           int64_t num_labels, BaseWeights base_weights) {
  SequenceClassifier outline(config, num_labels, at::TensorOptions().device(at::kMeta));
  for (const auto& item : outline->trunk()->named_parameters()) {
    CheckParameter(checkpoint, "model." + item.key(), item.value().sizes());
  }
  if (base_weights != BaseWeights::kNumbers) UseBlocks(checkpoint, *outline->trunk(), base_weights);
  return outline;
}

void LoadParameters(const io::Checkpoint& checkpoint, torch::nn::Module& module, const std::string& prefix) {
  const at::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    if (!item.value().is_floating_point()) continue;
    const std::string name = prefix + item.key();
    CheckParameter(checkpoint, name, item.value().sizes());
    checkpoint.Read(name, ToDType(item.value().scalar_type()), item.value().mutable_data_ptr());
  }
}

void SaveParameters(const torch::nn::Module& module, const fs::path& directory, int64_t max_shard_bytes) {
  std::vector<io::NamedTensor> tensors;
  std::vector<at::Tensor> kept;  // the views below look into these
  for (const auto& item : module.named_parameters()) {
    kept.push_back(item.value().detach().cpu().contiguous());
    const at::Tensor& tensor = kept.back();
    tensors.push_back({item.key(),
                       {.dtype = ToDType(tensor.scalar_type()),
                        .shape = tensor.sizes().vec(),
                        .data = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}}});
  }
  io::WriteShardedSafetensors(directory, tensors, max_shard_bytes);
}

std::optional<ClassifierHead> FindHead(const io::Checkpoint& checkpoint) {
  const io::TensorInfo* score = checkpoint.Find(kHeadWeight);
  if (score == nullptr) return std::nullopt;
  ClassifierHead head = HeadFromConfig(checkpoint.config(), checkpoint.path().string() + ": config");
  const bool fits = score->shape.size() == 2 && score->shape[0] == std::ssize(head.label_names);
  return fits ? std::optional(std::move(head)) : std::nullopt;
}

ClassifierHead HeadFromConfig(const Json& config, const std::string& source) {
  ClassifierHead head{.problem_type = "", .label_names = LabelNames(config, source)};
  const auto type = config.find("problem_type");
  if (type != config.end() && type->is_string()) {
    head.problem_type = type->get<std::string>();
  } else {  // as transformers decides where nothing is said
    head.problem_type = head.label_names.size() == 1 ? "regression" : "single_label_classification";
  }
  return head;
}

PretrainedClassifier PretrainedClassifier::FromBase(const fs::path& path, text::Tokenizer tokenizer,
                                                    const ClassifierHead& head, at::ScalarType dtype,
                                                    BaseWeights base_weights) {
  return Load(io::Checkpoint::Open(path), std::move(tokenizer), head, dtype, base_weights);
}

PretrainedClassifier PretrainedClassifier::FromTrained(const fs::path& path, at::ScalarType dtype,
                                                       const fs::path& base_model) {
  if (IsAdapter(path)) return LoadAdapter(path, dtype, base_model);
  if (!base_model.empty()) {
    Fail("{}: is no adapter (it has no adapter_config.json), so it has no --base-model", path.string());
  }
  const io::Checkpoint checkpoint = io::Checkpoint::Open(path);
  CheckHead(checkpoint, path);
  PretrainedClassifier loaded = Load(checkpoint, text::Tokenizer::Load(path),
                                     HeadFromConfig(checkpoint.config(), path.string() + ": config"), dtype);
  CheckParameter(checkpoint, "score.weight", loaded.model->score()->weight.sizes());
  GEMTUNE_CHECK(!loaded.head_is_new);
  return loaded;
}

void PretrainedClassifier::AddAdapter(const LoraConfig& lora, const std::string& base_model, uint64_t seed) {
  CheckTargets(*model, lora);
  adapter = {.lora = lora, .base_model_name_or_path = base_model};
  adapter_pass = AttachLora(*model, adapter->lora, seed);
}

void PretrainedClassifier::MergeAdapter() {
  MergeLora(*model);
  adapter.reset();
  adapter_pass.reset();
}

void PretrainedClassifier::Restore(const fs::path& directory) {
  if (adapter) return ReadAdapterWeights(directory, *model);
  LoadParameters(io::Checkpoint::Open(directory), *model, "");
}

void PretrainedClassifier::Save(const fs::path& directory) const {
  AtomicDirectory target(directory);
  const auto write = [&](const char* name, const Json& json) {
    WriteFileAtomically(target.path() / name, json.dump(2) + "\n");
  };
  if (adapter) {
    WriteAdapter(target.path(), *model, *adapter);
    Json labels;
    AddHead(head, labels);
    write(kAdapterHead, labels);
  } else {
    // Shards would not be looked for beside a model.safetensors, and another's is not removed but replaced.
    const bool is_single = fs::exists(directory / "model.safetensors") &&
                           !io::IsRecorded(io::ReadFileRecord(directory), "model.safetensors");
    SaveParameters(*model, target.path(),
                   is_single ? std::numeric_limits<int64_t>::max() : io::kMaxShardBytes);
    write("config.json",
          ClassifierConfig(config_json, head, model->score()->weight.scalar_type(), config.pad_token_id));
    if (!generation_config.is_null()) write("generation_config.json", generation_config);
  }
  tokenizer.Save(target.path());
  CommitModel(target, directory);
}

}  // namespace gemtune::model
