#include "gemtune/io/gguf_writer.h"

#include <bit>
#include <functional>
#include <numeric>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/round_up.h"

namespace gemtune::io {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr uint32_t kVersion = 3;
constexpr int64_t kAlignment = 32;

template <typename T>
void Append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Magic, version, counts, metadata, tensors' entries.
std::string Header(const GgufMetadata& metadata, const std::vector<GgufTensorEntry>& tensors) {
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
    : file_(path), tensors_(std::move(tensors)) {
  const std::string header = Header(metadata, tensors_);
  file_.Write(header);
  position_ = header.size();
  Pad();
  if (!tensors_.empty()) left_ = tensors_.front().bytes();
}

// Up to the next multiple of the alignment; the last tensor, too, as the gguf package does.
void GgufWriter::Pad() {
  const auto padding = static_cast<size_t>(RoundUp(static_cast<int64_t>(position_), kAlignment)) - position_;
  file_.Write(std::string(padding, '\0'));
  position_ += padding;
}

void GgufWriter::Write(std::span<const std::byte> piece) {
  GEMTUNE_CHECK(tensor_ < tensors_.size() && static_cast<int64_t>(piece.size()) <= left_);
  file_.Write({reinterpret_cast<const char*>(piece.data()), piece.size()});
  position_ += piece.size();
  left_ -= static_cast<int64_t>(piece.size());
  if (left_ > 0) return;
  Pad();
  if (++tensor_ < tensors_.size()) left_ = tensors_[tensor_].bytes();
}

void GgufWriter::Commit() {
  GEMTUNE_CHECK(tensor_ == tensors_.size());
  file_.Commit();
}

}  // namespace gemtune::io
