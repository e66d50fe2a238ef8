#include "gemtune/data/json_array.h"

#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kWordEnds = " \t\r\n,\"{}[]";
constexpr size_t kMaxDepth = 1'000'000;  // bounds the memory for a file of nothing but '['

}  // namespace

// kEnded if the character is the value's last or, for a word, the first after it.
JsonValueScanner::State JsonValueScanner::Take(char c) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
      if (braces_.empty()) return State::kEnded;
    }
    return State::kInside;
  }
  if (in_word_) return kWordEnds.find(c) == std::string_view::npos ? State::kInside : State::kEnded;
  if (c == '}' || c == ']') {
    if (braces_.empty() || braces_.back() != (c == '}')) return State::kBroken;
    braces_.pop_back();
    return braces_.empty() ? State::kEnded : State::kInside;
  }
  if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    if (braces_.size() == kMaxDepth) return State::kBroken;
    braces_.push_back(c == '{');
  } else if (braces_.empty()) {
    in_word_ = true;
  }
  return State::kInside;
}

JsonValueScanner::State JsonValueScanner::Scan(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (in_string_ && bytes[i] != '"' && bytes[i] != '\\' && !escaped_) continue;  // most of all characters
    const State state = Take(bytes[i]);
    if (state == State::kInside) continue;
    end_ = in_word_ ? i : i + 1;
    return state;
  }
  return State::kInside;
}

JsonArray::JsonArray(std::string path, TextStream& stream) : path_(std::move(path)), stream_(stream) {
  GEMTUNE_CHECK(Peek() == '[');
  stream_.Consume(1);
}

// The next character that is not white space, moved to the window's front; nullopt at the end of the file.
std::optional<char> JsonArray::Peek() {
  while (true) {
    const std::string_view window = stream_.window();
    const size_t found = window.find_first_not_of(kWhiteSpace);
    stream_.Consume(found == std::string_view::npos ? window.size() : found);
    if (found != std::string_view::npos) return stream_.window().front();
    if (!stream_.Extend()) return std::nullopt;
  }
}

// Skips the separator before the next element; false if the array ends instead.
bool JsonArray::PassSeparator() {
  const std::optional<char> found = Peek();
  if (!found) Fail("{}: row {}: the file ends within its JSON array; is it cut off?", path_, row_ + 1);
  if (*found == ']') {
    stream_.Consume(1);
    if (Peek()) Fail("{}: text follows its JSON array; the file must be one array of objects", path_);
    return false;
  }
  if (row_ == 0) return true;
  if (*found != ',') {
    Fail("{}: row {}: '{}' follows where a comma or the end of the JSON array should", path_, row_,
         Printable(stream_.window().substr(0, 1)));
  }
  stream_.Consume(1);
  return true;
}

void JsonArray::FindEnd() {
  JsonValueScanner scanner;
  size_t scanned = 0;
  too_long_ = false;
  while (true) {
    const std::string_view rest = stream_.window().substr(scanned);
    const JsonValueScanner::State state = scanner.Scan(rest);
    if (state == JsonValueScanner::State::kBroken) {
      Fail("{}: row {}: its brackets do not match; the JSON array breaks off here", path_, row_);
    }
    const bool ended = state == JsonValueScanner::State::kEnded;
    scanned += ended ? scanner.end() : rest.size();
    if (scanned > kMaxRowBytes) too_long_ = true;
    if (ended) break;
    if (too_long_) {
      stream_.Consume(scanned);
      scanned = 0;
    }
    if (!stream_.Extend()) {
      Fail("{}: row {}: the file ends within its JSON array; is it cut off?", path_, row_);
    }
  }
  bytes_ = scanned;
}

bool JsonArray::Next() {
  stream_.Consume(std::exchange(bytes_, 0));
  if (!PassSeparator()) return false;
  ++row_;
  const std::optional<char> found = Peek();
  if (found == ',' || found == ']') {
    Fail("{}: row {}: '{}' is not an element of the JSON array; is there an extra comma?", path_, row_,
         *found);
  }
  FindEnd();
  return true;
}

std::optional<std::string_view> JsonArray::element() const {
  if (too_long_) return std::nullopt;
  return stream_.window().substr(0, bytes_);
}

}  // namespace gemtune::data
