#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/data/text_stream.h"

namespace gemtune::data {

/// Finds where a JSON value ends, over as many pieces as its text comes in. Knows strings and brackets, and
/// leaves it to the parser whether what stands between them is JSON.
class JsonValueScanner {
 public:
  enum class State : uint8_t { kInside, kEnded, kBroken };

  /// Reads on; `bytes` is taken whole while the value goes on. kBroken: a bracket that closes none or one of
  /// the other kind, or a million of them open.
  State Scan(std::string_view bytes);

  /// Bytes of the last piece that belong to the value, where it ended in it.
  size_t end() const { return end_; }

 private:
  State Take(char c);

  std::vector<bool> braces_;  // of each bracket that is open: whether it is a brace
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_word_ = false;  // a number, true, false, null, and whatever else is neither string nor bracket
  size_t end_ = 0;
};

/// The elements of a file that is one JSON array, cut out of its stream one by one: the largest of them is in
/// memory, not the file.
class JsonArray {
 public:
  /// `stream` stands before the array's '[', with white space at most between.
  JsonArray(std::string path, TextStream& stream);

  /// Goes to the next element; false behind the last. Throws Error, with the number of the element, where the
  /// array is broken: cut off, without a comma or with one too many, with brackets that do not match, with
  /// text behind its end.
  bool Next();

  /// Number of the element, from 1.
  int64_t row() const { return row_; }

  /// Its text, valid until Next; nothing for one longer than kMaxRowBytes.
  std::optional<std::string_view> element() const;

 private:
  std::optional<char> Peek();
  bool PassSeparator();
  void FindEnd();

  std::string path_;
  TextStream& stream_;
  int64_t row_ = 0;
  size_t bytes_ = 0;  // of the element, at the window's front
  bool too_long_ = false;
};

}  // namespace gemtune::data
