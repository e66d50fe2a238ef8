#include "gemtune/model/adapter_weights.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/io/tensor_names.h"
#include "gemtune/model/lora_targets.h"
#include "gemtune/model/names.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/dtype.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeightsName = "adapter_model.safetensors";
constexpr const char* kPickleName = "adapter_model.bin";
constexpr std::string_view kPrefix = "base_model.model.";

bool IsReadable(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

// "model.layers.0.mlp.up_proj.lora_A.weight" → the name in the file. For DoRA's m, peft drops the last part.
std::string FileName(const std::string& parameter, const std::string& trunk_prefix) {
  std::string name = std::string(kPrefix) + ModelPath(parameter, trunk_prefix);
  if (name.ends_with(".lora_magnitude_vector.weight")) name.resize(name.size() - sizeof(".weight") + 1);
  return name;
}

std::vector<std::pair<std::string, at::Tensor>> Trained(const torch::nn::Module& model) {
  std::vector<std::pair<std::string, at::Tensor>> trained;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) trained.emplace_back(item.key(), item.value());
  }
  return trained;
}

// The message contains the complete line of Python that creates the missing file.
[[noreturn]] void FailWithoutWeights(const fs::path& directory) {
  const std::string path = directory.string();
  if (!fs::exists(directory / kPickleName)) Fail("{}: has no {}", path, kWeightsName);
  Fail(
      "{0}: has {1} only; convert it in Python: import torch, safetensors.torch as st; st.save_file({{k: "
      "v.contiguous().clone() for k, v in torch.load(\"{0}/{1}\", map_location=\"cpu\", "
      "weights_only=True).items()}}, \"{0}/{2}\", metadata={{\"format\": \"pt\"}})",
      path, kPickleName, kWeightsName);
}

[[noreturn]] void FailWithoutHead(const std::string& path) {
  Fail(
      "{}: has no '{}score.weight': the classifier's head was not saved with the adapter, and without it the "
      "adapter is of no use; train with task_type SEQ_CLS",
      path, kPrefix);
}

}  // namespace

AdapterWeights AdapterWeights::Open(const fs::path& directory) {
  if (!fs::exists(directory / kWeightsName)) FailWithoutWeights(directory);
  return {directory, io::SafetensorsFile::Open(directory / kWeightsName)};
}

AdapterWeights::AdapterWeights(const fs::path& directory, io::SafetensorsFile file)
    : directory_(directory), path_((directory / kWeightsName).string()), file_(std::move(file)) {
  for (const auto& [name, view] : file_.tensors()) List(name, view);
}

// A name that is not peft's is listed as it is, so that CheckFor reports it.
void AdapterWeights::List(std::string_view name, const io::TensorView& view) {
  std::string listed(name);
  if (name.starts_with(kPrefix)) {
    const std::string_view path = name.substr(kPrefix.size());
    const auto text_path = io::TextModelName(path);
    if (!text_path) return;  // belongs to the vision tower
    if (text_path->starts_with(kLayers))
      trunk_prefix_ = path.substr(0, path.size() - (text_path->size() - kTrunk.size()));
    listed = std::string(kPrefix) + *text_path;
  }
  if (!entries_.try_emplace(listed, std::string(name), view).second) {
    Fail("{}: holds '{}' twice, under different prefixes", path_, Printable(listed, 120));
  }
}

// nullptr if there is none. `parameter` as Trained names it.
const AdapterWeights::Entry* AdapterWeights::Find(const std::string& parameter) const {
  const auto found = entries_.find(FileName(parameter, std::string(kTrunk)));
  return found == entries_.end() ? nullptr : &found->second;
}

AdapterContents AdapterWeights::Contents(const std::string& task_type) const {
  for (const auto& [name, entry] : entries_) {
    if (name.find(".lora_embedding_") == name.npos) continue;
    Fail("{}: '{}' adapts the token embedding, which gemtune cannot read; {}", path_,
         Printable(entry.file_name, 120), MergeAdvice(directory_, task_type));
  }
  const Entry* head = Find(std::string(kHeadWeight));
  return {.outputs = head == nullptr || head->view.shape.size() != 2 ? 0 : head->view.shape[0],
          .trunk_prefix = trunk_prefix_,
          .has_embedding = Find(std::string(kEmbeddingWeight)) != nullptr};
}

void AdapterWeights::CheckHead() const {
  const Entry* head = Find(std::string(kHeadWeight));
  if (head == nullptr || head->view.shape.size() != 2) FailWithoutHead(path_);
}

void AdapterWeights::FailOfShape(const Entry& entry, at::IntArrayRef wanted) const {
  const std::vector<int64_t>& shape = entry.view.shape;
  if (entry.file_name.ends_with("embed_tokens.weight") && shape.size() == 2 && shape[1] == wanted[1]) {
    Fail(
        "{}: '{}', saved with the adapter (save_embedding_layers or modules_to_save), is an embedding of {} "
        "tokens, that of the base model has {}; give the base model with its embedding resized to {} by "
        "`base_model` (resize_token_embeddings and save_pretrained in Python)",
        path_, entry.file_name, shape[0], wanted[0], shape[0]);
  }
  Fail("{}: tensor '{}' has shape [{}], the configuration and the base model ask for [{}]", path_,
       entry.file_name, fmt::join(shape, ", "), fmt::join(wanted, ", "));
}

void AdapterWeights::CheckFor(const torch::nn::Module& model) const {
  std::set<const Entry*> used;
  for (const auto& [name, parameter] : Trained(model)) {
    const Entry* found = Find(name);
    if (found == nullptr) Fail("{}: tensor '{}' is missing", path_, FileName(name, trunk_prefix_));
    if (at::IntArrayRef(found->view.shape) != parameter.sizes()) FailOfShape(*found, parameter.sizes());
    if (!IsReadable(found->view.dtype)) {
      Fail("{}: tensor '{}' is {}; F32, F16 and BF16 are read", path_, found->file_name,
           DTypeName(found->view.dtype));
    }
    used.insert(found);
  }
  for (const auto& [name, entry] : entries_) {
    if (!used.contains(&entry))
      Fail("{}: tensor '{}' belongs to no part of the model that the adapter's configuration names", path_,
           Printable(entry.file_name, 120));
  }
}

at::Tensor AdapterWeights::Read(const std::string& parameter) const {
  const Entry* found = Find(parameter);
  if (found == nullptr) Fail("{}: tensor '{}' is missing", path_, FileName(parameter, trunk_prefix_));
  return Numbers(*found).to(at::kFloat);
}

void AdapterWeights::ReadInto(const torch::nn::Module& model) const {
  const at::NoGradGuard no_grad;
  CheckFor(model);
  for (const auto& [name, parameter] : Trained(model)) parameter.copy_(Numbers(*Find(name)));
}

// A copy, because numbers in the file may be unaligned.
at::Tensor AdapterWeights::Numbers(const Entry& entry) {
  const at::Tensor stored = at::empty(entry.view.shape, ops::ToScalarType(entry.view.dtype));
  std::ranges::copy(entry.view.data, ops::HostBytes(stored).begin());
  return stored;
}

void WriteAdapterWeights(const fs::path& directory, const torch::nn::Module& model,
                         const std::string& trunk_prefix) {
  std::vector<io::NamedTensor> tensors;
  std::vector<at::Tensor> kept;  // the views look into these
  for (const auto& [name, parameter] : Trained(model)) {
    kept.push_back(parameter.detach().to(ops::Host()).contiguous());
    tensors.push_back({FileName(name, trunk_prefix), ViewForFile(kept.back())});
  }
  io::WriteSafetensors(directory / kWeightsName, tensors, {{"format", "pt"}});
}

}  // namespace gemtune::model
