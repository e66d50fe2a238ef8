#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gemtune/data/file_list.h"
#include "gemtune/data/utf16.h"

namespace gemtune::data {

/// The decompressed text of a CSV or JSON file as UTF-8. Only a window of it is in memory: the reader takes
/// whole rows from the window's front and asks for more if the last row is incomplete.
class TextStream {
 public:
  /// Skips a byte order mark; if it is that of UTF-16, the text is converted to UTF-8. Throws Error if the
  /// file cannot be opened, and for anything that RefuseForeignContent and StartOfText refuse.
  explicit TextStream(const DataFile& file);
  ~TextStream();
  TextStream(const TextStream&) = delete;
  TextStream& operator=(const TextStream&) = delete;

  /// Valid until the next Consume or Extend.
  std::string_view window() const { return std::string_view(buffer_).substr(begin_); }

  /// Removes `bytes` bytes from the window's front.
  void Consume(size_t bytes);

  /// Appends the next bytes to the window; false at the end of the file. A last line without a line end gets
  /// one. Throws Error if the file cannot be read or decompressed, or is damaged UTF-16.
  bool Extend();

 private:
  struct Input;
  size_t Read(char* out, size_t size);
  void Decode(std::string_view block);
  bool Append(size_t bytes);  // appends up to `bytes` bytes of the file to the buffer; false at its end

  std::string path_;
  std::unique_ptr<Input> input_;
  std::optional<Utf16Decoder> utf16_;  // set if the file is not UTF-8
  std::string buffer_;
  size_t begin_ = 0;
  bool ended_ = false;
};

/// The longest row that a reader accepts: far longer than any text, and a bound on the memory for a quote
/// that is never closed. Arrow's CSV parser could hold 2^31.
inline constexpr size_t kMaxRowBytes = size_t{256} << 20;

}  // namespace gemtune::data
