#include "gemtune/data/text_stream.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/data/arrow_status.h"

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
  if (window().starts_with("\xef\xbb\xbf")) Consume(3);
  if (window().starts_with("\xff\xfe") || window().starts_with("\xfe\xff")) {
    Fail("{}: is UTF-16; save it as UTF-8", path_);
  }
}

TextStream::~TextStream() = default;

size_t TextStream::Read(char* out, size_t size) {
  return static_cast<size_t>(CheckArrow(path_, input_->stream->Read(static_cast<int64_t>(size), out)));
}

void TextStream::Consume(size_t bytes) {
  GEMTUNE_CHECK(bytes <= buffer_.size() - begin_);
  begin_ += bytes;
}

bool TextStream::Extend() {
  if (ended_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  // At least doubled: a reader looks at a cut row afresh each time, and the sum of its looks stays linear.
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + std::max(kBlockBytes, old_size));
  const size_t got = Read(buffer_.data() + old_size, buffer_.size() - old_size);
  buffer_.resize(old_size + got);
  if (got > 0) return true;
  ended_ = true;
  if (buffer_.empty() || buffer_.back() == '\n') return false;
  buffer_ += '\n';
  return true;
}

}  // namespace gemtune::data
