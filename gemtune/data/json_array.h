#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/data/text_stream.h"

namespace gemtune::data {

/// Finds the end of a JSON value whose text comes in pieces. Knows only strings and brackets; the parser
/// checks whether the rest is JSON.
class JsonValueScanner {
 public:
  enum class State : uint8_t { kInside, kEnded, kBroken };

  /// Continues with `bytes`, all of which belong to the value unless it ends in them. kBroken: a closing
  /// bracket without its opening one or of the wrong kind, or a million open brackets.
  State Scan(std::string_view bytes);

  /// How many bytes of the last piece belong to the value, if it ended there.
  size_t end() const { return end_; }

 private:
  State Take(char c);

  std::vector<bool> braces_;  // for each open bracket, whether it is a brace
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_word_ =
      false;  // a number, true, false, null, or anything else that is neither a string nor a bracket
  size_t end_ = 0;
};

/// Extracts the elements of a file that is one JSON array from its stream, one by one, so that only one
/// element is in memory at a time.
class JsonArray {
 public:
  /// `stream` is at the array's '[' or at white space before it.
  JsonArray(std::string path, TextStream& stream);

  /// Goes to the next element; false after the last. Throws an Error with the element's number if the array
  /// is malformed: cut off, with a missing or an extra comma, with brackets that do not match, or with text
  /// after its end.
  bool Next();

  /// Number of the element, from 1.
  int64_t row() const { return row_; }

  /// Its text, valid until Next; nullopt if it is longer than kMaxRowBytes.
  std::optional<std::string_view> element() const;

 private:
  std::optional<char> Peek();
  bool PassSeparator();
  void FindEnd();

  std::string path_;
  TextStream& stream_;
  int64_t row_ = 0;
  size_t bytes_ = 0;  // length of the element, which is at the window's front
  bool too_long_ = false;
};

}  // namespace gemtune::data
