#include "gemtune/data/text_stream.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/data/arrow_status.h"
#include "gemtune/data/file_content.h"

namespace gemtune::data {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 16;

arrow::Compression::type ToArrow(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return arrow::Compression::UNCOMPRESSED;
    case Compression::kGzip:
      return arrow::Compression::GZIP;
    case Compression::kZstd:
      return arrow::Compression::ZSTD;
    case Compression::kBzip2:
      return arrow::Compression::BZ2;
    case Compression::kLz4:
      return arrow::Compression::LZ4_FRAME;
  }
  GEMTUNE_CHECK(false);
}

}  // namespace

struct TextStream::Input {
  std::unique_ptr<arrow::util::Codec> codec;  // outlives the stream made from it
  std::shared_ptr<arrow::io::InputStream> stream;
};

TextStream::TextStream(const DataFile& file) : path_(file.path.string()), input_(std::make_unique<Input>()) {
  input_->stream = CheckArrow(path_, arrow::io::ReadableFile::Open(path_));
  if (file.compression != Compression::kNone) {
    input_->codec = CheckArrow(path_, arrow::util::Codec::Create(ToArrow(file.compression)));
    input_->stream =
        CheckArrow(path_, arrow::io::CompressedInputStream::Make(input_->codec.get(), input_->stream));
  }
  Extend();
  RefuseForeignContent(path_, window());
  const TextStart start = StartOfText(path_, window());
  Consume(start.mark_bytes);
  if (start.encoding == TextEncoding::kUtf8) return;
  utf16_.emplace(start.encoding == TextEncoding::kUtf16BigEndian);
  const std::string first_block(window());
  buffer_.clear();
  begin_ = 0;
  Decode(first_block);
}

TextStream::~TextStream() = default;

size_t TextStream::Read(char* out, size_t size) {
  return static_cast<size_t>(CheckArrow(path_, input_->stream->Read(static_cast<int64_t>(size), out)));
}

void TextStream::Consume(size_t bytes) {
  GEMTUNE_CHECK(bytes <= buffer_.size() - begin_);
  begin_ += bytes;
}

void TextStream::Decode(std::string_view block) {
  if (!utf16_->Decode(block, buffer_)) {
    Fail("{}: is damaged UTF-16: it holds half a character; save it as UTF-8", path_);
  }
}

bool TextStream::Append(size_t bytes) {
  if (utf16_) {
    std::string block(bytes, '\0');
    block.resize(Read(block.data(), bytes));
    Decode(block);
    if (!block.empty()) return true;
    if (utf16_->pending()) Fail("{}: is damaged UTF-16: it ends within a character; is it cut off?", path_);
    return false;
  }
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + bytes);
  const size_t got = Read(buffer_.data() + old_size, bytes);
  buffer_.resize(old_size + got);
  return got > 0;
}

bool TextStream::Extend() {
  if (ended_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  // The window at least doubles (for UTF-16, grows by half): a reader scans an incomplete row again each
  // time, and this keeps the total linear.
  const size_t old_size = buffer_.size();
  while (buffer_.size() == old_size) {
    if (Append(std::max(kBlockBytes, old_size))) continue;
    ended_ = true;
    if (buffer_.empty() || buffer_.back() == '\n') return false;
    buffer_ += '\n';
  }
  return true;
}

}  // namespace gemtune::data
