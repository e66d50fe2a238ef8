#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gemtune/data/file_list.h"
#include "gemtune/data/utf16.h"

namespace gemtune::data {

/// The decompressed text of a CSV or JSON file as UTF-8, of which a window is in memory. The reader takes
/// whole rows off the window's front and asks for more where the last row is cut.
class TextStream {
 public:
  /// A byte order mark is skipped, and where it is that of UTF-16, UTF-8 is made of the text. Throws Error if
  /// the file cannot be opened and for what RefuseForeignContent and StartOfText refuse.
  explicit TextStream(const DataFile& file);
  ~TextStream();
  TextStream(const TextStream&) = delete;
  TextStream& operator=(const TextStream&) = delete;

  /// Valid until the next Consume or Extend.
  std::string_view window() const { return std::string_view(buffer_).substr(begin_); }

  /// Takes `bytes` off the window's front.
  void Consume(size_t bytes);

  /// Puts the next bytes behind the window; false at the file's end. A last line without a line end gets one.
  /// Throws Error where the file cannot be read or decompressed, or is damaged UTF-16.
  bool Extend();

 private:
  struct Input;
  size_t Read(char* out, size_t size);
  void Decode(std::string_view block);
  bool Append(size_t bytes);  // up to as many of the file to the buffer; false at its end

  std::string path_;
  std::unique_ptr<Input> input_;
  std::optional<Utf16Decoder> utf16_;  // where the file is not UTF-8
  std::string buffer_;
  size_t begin_ = 0;
  bool ended_ = false;
};

/// Longest row that a reader accepts: far above any text, and a bound on what one quote that is never closed
/// can draw into memory. Arrow's CSV parser could hold 2^31.
inline constexpr size_t kMaxRowBytes = size_t{256} << 20;

}  // namespace gemtune::data
