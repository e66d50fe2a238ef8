#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gemtune::data {

/// Counts line ends of all three kinds ("\n", "\r\n", "\r"), for text that comes in pieces.
class LineCounter {
 public:
  void Add(std::string_view text);
  int64_t lines() const { return lines_; }

 private:
  int64_t lines_ = 0;
  bool after_return_ = false;
};

/// A quoted field that holds both delimiters and line ends. This usually means that a quote was part of the
/// text, and that its field swallows the rows up to the next quote.
struct RunawayField {
  int64_t row = 0;    // number of the row in the text, from 0; empty lines do not count
  size_t begin = 0;   // byte position of its quote in the text
  int64_t lines = 0;  // number of lines it spans
};

/// The first such field of each row in `text`, which must begin with a row. Rows and fields are split as by
/// Arrow's parser (RFC 4180). A row cut off at the end of the text is ignored.
std::vector<RunawayField> FindRunawayFields(std::string_view text, char delimiter);

}  // namespace gemtune::data
