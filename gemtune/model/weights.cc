#include "gemtune/model/weights.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/progress.h"
#include "gemtune/model/base_blocks.h"
#include "gemtune/model/names.h"
#include "gemtune/ops/dtype.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::model {
namespace fs = std::filesystem;

namespace {

at::TensorOptions Weightless(const LoadOptions& options) {
  return at::TensorOptions().dtype(options.dtype).device(ops::Nowhere());
}

void CheckTrunk(const ModelSource& source, Gemma3Model& trunk, const LoadOptions& options) {
  for (const auto& item : trunk->named_parameters()) {
    CheckTensor(source.checkpoint, std::string(kTrunk) + item.key(), item.value().sizes());
  }
  KeepBaseBlocks(source.checkpoint, *trunk, options.base_weights);
}

}  // namespace

SequenceClassifier Outline(const ModelSource& source, int64_t num_labels, const LoadOptions& options) {
  SequenceClassifier outline(source.config, num_labels, Weightless(options));
  CheckTrunk(source, outline->trunk(), options);
  return outline;
}

CausalLm OutlineCausalLm(const ModelSource& source, const LoadOptions& options) {
  // transformers ties them unless the configuration says otherwise; a stored copy of the head is then unused.
  const auto tied = source.checkpoint.config().find("tie_word_embeddings");
  const bool is_untied = tied != source.checkpoint.config().end() && *tied == false;
  if (is_untied && source.checkpoint.Find("lm_head.weight") != nullptr) {
    Fail(
        "{}: 'tie_word_embeddings' is false and there is an 'lm_head.weight': its head is not its token "
        "embedding, as it is in every Gemma 3, and gemtune cannot train such a model",
        source.path.string());
  }
  CausalLm outline(source.config, Weightless(options));
  CheckTrunk(source, outline->trunk(), options);
  return outline;
}

void CheckTensor(const io::Checkpoint& checkpoint, const std::string& name, at::IntArrayRef shape) {
  const io::TensorInfo* info = checkpoint.Find(name);
  if (info == nullptr) Fail("{}: tensor '{}' is missing", checkpoint.path().string(), name);
  if (at::IntArrayRef(info->shape) != shape) {
    Fail("{}: tensor '{}' has shape [{}], the configuration asks for [{}]", checkpoint.path().string(), name,
         fmt::join(info->shape, ", "), fmt::join(shape, ", "));
  }
}

void LoadTensor(const io::Checkpoint& checkpoint, const std::string& name, const at::Tensor& parameter) {
  const at::NoGradGuard no_grad;
  CheckTensor(checkpoint, name, parameter.sizes());
  const bool is_in_place = ops::IsOnHost(parameter) && parameter.is_contiguous();
  const at::Tensor read =
      is_in_place ? parameter : at::empty(parameter.sizes(), parameter.options().device(ops::Host()));
  checkpoint.Read(name, ops::ToDType(read.scalar_type()), ops::HostBytes(read).data());
  if (!is_in_place) parameter.copy_(read);
}

void LoadParameters(const io::Checkpoint& checkpoint, const torch::nn::Module& module,
                    const std::string& prefix) {
  constexpr int64_t kMega = 1'000'000;
  const auto parameters = module.named_parameters();
  int64_t total = 0, done = 0;
  for (const auto& item : parameters) total += static_cast<int64_t>(item.value().nbytes());
  ProgressBar bar("loading");
  for (const auto& item : parameters) {
    if (item.value().is_floating_point()) LoadTensor(checkpoint, prefix + item.key(), item.value());
    done += static_cast<int64_t>(item.value().nbytes());
    bar.Show(done / kMega, total / kMega, "MB");
  }
}

void SaveParameters(const torch::nn::Module& module, const fs::path& directory, int64_t max_shard_bytes) {
  ProgressBar bar("saving");
  int64_t bytes = 0;
  std::vector<io::NamedTensor> tensors;
  std::vector<at::Tensor> kept;  // the views look into these
  for (const auto& item : module.named_parameters()) {
    GEMTUNE_CHECK(item.value().is_floating_point());
    kept.push_back(item.value().detach().to(ops::Host()).contiguous());
    tensors.push_back({item.key(), ViewForFile(kept.back())});
    bytes += static_cast<int64_t>(kept.back().nbytes());
  }
  bar.Show(bytes / 1'000'000, 0, "MB");
  io::WriteShardedSafetensors(directory, tensors, max_shard_bytes);
}

io::TensorView ViewForFile(const at::Tensor& tensor) {
  return {.dtype = ops::ToDType(tensor.scalar_type()),
          .shape = tensor.sizes().vec(),
          .data = ops::HostBytes(tensor)};
}

}  // namespace gemtune::model
