#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gemtune::data {

/// Counts line ends of all three kinds ("\n", "\r\n", "\r"), a piece of text at a time.
class LineCounter {
 public:
  void Add(std::string_view text);
  int64_t lines() const { return lines_; }

 private:
  int64_t lines_ = 0;
  bool after_return_ = false;
};

/// A quoted field that holds both delimiters and line ends: in a text, the sign of a quote that stands there
/// for itself and draws the rows up to the next one into its field.
struct RunawayField {
  int64_t row = 0;    // of those in the text, from 0; empty lines are none
  size_t begin = 0;   // byte in the text at which its quote stands
  int64_t lines = 0;  // that it runs over
};

/// The first such field of each row in `text`, which begins with a row, as Arrow's parser takes rows and
/// fields apart (RFC 4180). A row that is cut at the text's end counts for nothing.
std::vector<RunawayField> FindRunawayFields(std::string_view text, char delimiter);

}  // namespace gemtune::data
