#include "gemtune/model/base_blocks.h"

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/model/embedding.h"
#include "gemtune/model/linear.h"
#include "gemtune/model/names.h"
#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::model {
namespace {

// Nothing is copied: the tensor is a view of the mapped file and keeps it open.
ops::BlockRows FileBlocks(const io::Checkpoint& checkpoint, const std::string& name) {
  if (checkpoint.format() != "gguf") {
    Fail(
        "`base_dtype` keep: {} is not a GGUF file, the only format with blocks to keep; `base_dtype` q8_0 "
        "makes some",
        checkpoint.path().string());
  }
  const io::StoredBlocks stored = checkpoint.Blocks(name);
  const int64_t rows = checkpoint.Find(name)->shape.front();
  const auto bytes = static_cast<int64_t>(stored.bytes.size());
  return {.bytes = ops::HostView(stored.bytes, {rows, bytes / rows}, at::kByte, stored.owner),
          .type = stored.type};
}

ops::BlockRows Q8_0Blocks(const io::Checkpoint& checkpoint, const std::string& name,
                          const ops::Device& device) {
  constexpr ops::BlockType kType = ops::BlockType::kQ8_0;
  const std::vector<int64_t>& shape = checkpoint.Find(name)->shape;
  if (shape[1] % ops::BlockNumbers(kType) != 0) {
    Fail("`base_dtype` q8_0: the rows of '{}' have {} numbers, not a multiple of a block's {}", name,
         shape[1], ops::BlockNumbers(kType));
  }
  const ops::Device place = ops::IsNowhere(device) ? device : ops::Host();
  const auto options = at::TensorOptions().dtype(at::kByte).device(place);
  ops::BlockRows made{.bytes = at::empty({shape[0], ops::RowBytes(kType, shape[1])}, options), .type = kType};
  if (!ops::IsNowhere(device)) checkpoint.ReadQ8_0(name, ops::HostBytes(made.bytes).data());
  return made;
}

}  // namespace

void KeepBaseBlocks(const io::Checkpoint& checkpoint, const torch::nn::Module& trunk,
                    BaseWeights base_weights) {
  if (base_weights == BaseWeights::kNumbers) return;
  for (const auto& item : trunk.named_modules("", /*include_self=*/false)) {
    auto* linear = dynamic_cast<LinearImpl*>(item.value().get());
    auto* embedding = dynamic_cast<TokenEmbeddingImpl*>(item.value().get());
    if (linear == nullptr && embedding == nullptr) continue;
    const std::string name = std::string(kTrunk) + item.key() + ".weight";
    const ops::Device device = item.value()->parameters().front().device();
    ops::BlockRows blocks = base_weights == BaseWeights::kFileBlocks ? FileBlocks(checkpoint, name)
                                                                     : Q8_0Blocks(checkpoint, name, device);
    blocks.bytes = blocks.bytes.to(device);
    linear != nullptr ? linear->KeepBlocks(blocks) : embedding->KeepBlocks(blocks);
  }
}

}  // namespace gemtune::model
