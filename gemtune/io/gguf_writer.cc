#include "gemtune/io/gguf_writer.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/quantize.h"

namespace gemtune::io {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr uint32_t kVersion = 3;
constexpr int64_t kAlignment = 32;

// What a thread rounds at a time, and all of them before it is written; multiples of every block.
constexpr int64_t kChunkNumbers = int64_t{1} << 16, kBufferNumbers = 256 * kChunkNumbers;

template <typename T>
void Append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Magic, version, counts, metadata, tensors' entries.
std::string HeaderBytes(const GgufMetadata& metadata, const std::vector<GgufTensorEntry>& tensors) {
  std::string header = "GGUF";
  Append(header, kVersion);
  Append(header, uint64_t{tensors.size()});
  Append(header, metadata.size());
  header += metadata.bytes();
  int64_t offset = 0;
  for (const GgufTensorEntry& tensor : tensors) {
    Append(header, uint64_t{tensor.name.size()});
    header += tensor.name;
    Append(header, static_cast<uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) Append(header, *size);
    Append(header, kernels::Info(tensor.type).ggml_id);
    Append(header, offset);
    offset += RoundUp(tensor.bytes(), kAlignment);
  }
  return header;
}

}  // namespace

void GgufMetadata::AppendKey(std::string_view key) {
  GEMTUNE_CHECK(keys_.emplace(key).second);
  AppendText(key);
}

void GgufMetadata::AppendText(std::string_view text) {
  AppendNumber(uint64_t{text.size()});
  bytes_ += text;
}

int64_t GgufTensorEntry::bytes() const {
  GEMTUNE_CHECK(!shape.empty());
  const int64_t rows = std::accumulate(shape.begin(), shape.end() - 1, int64_t{1}, std::multiplies<>());
  return rows * kernels::RowBytes(type, shape.back());
}

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
                       std::vector<GgufTensorEntry> tensors)
    : path_(path.string()), file_(path), tensors_(std::move(tensors)) {
  Append(HeaderBytes(metadata, tensors_));
  Pad();
  if (!tensors_.empty()) left_ = tensors_.front().bytes();
}

void GgufWriter::Append(std::string_view bytes) {
  file_.Write(bytes);
  position_ += static_cast<int64_t>(bytes.size());
}

// Up to the next multiple of the alignment; behind the last tensor, too, as the gguf package does.
void GgufWriter::Pad() {
  Append(std::string(static_cast<size_t>(RoundUp(position_, kAlignment) - position_), '\0'));
}

void GgufWriter::Write(std::span<const float> numbers) {
  GEMTUNE_CHECK(tensor_ < tensors_.size());
  const GgufTensorEntry& tensor = tensors_[tensor_];
  const int64_t count = std::ssize(numbers), bytes = kernels::RowBytes(tensor.type, count);
  GEMTUNE_CHECK(bytes <= left_);
  std::string buffer;
  for (int64_t done = 0; done < count; done += kBufferNumbers) {
    const int64_t now = std::min(kBufferNumbers, count - done);
    buffer.resize(static_cast<size_t>(kernels::RowBytes(tensor.type, now)));
    ParallelForEach(CeilDiv(now, kChunkNumbers), [&](int64_t i) {
      const int64_t begin = i * kChunkNumbers, size = std::min(kChunkNumbers, now - begin);
      auto* const blocks =
          reinterpret_cast<std::byte*>(buffer.data()) + kernels::RowBytes(tensor.type, begin);
      if (kernels::Quantize(tensor.type, numbers.data() + done + begin, size, blocks)) return;
      Fail("{}: '{}' holds a number that is not finite, or too large for {}", path_, tensor.name,
           kernels::Info(tensor.type).name);
    });
    Append(buffer);
  }
  left_ -= bytes;
  if (left_ > 0) return;
  Pad();
  if (++tensor_ < tensors_.size()) left_ = tensors_[tensor_].bytes();
}

void GgufWriter::Commit() {
  GEMTUNE_CHECK(tensor_ == tensors_.size());
  file_.Commit();
}

}  // namespace gemtune::io
