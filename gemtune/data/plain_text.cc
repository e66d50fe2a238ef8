#include "gemtune/data/plain_text.h"

#include <algorithm>
#include <string_view>

#include "gemtune/data/text_stream.h"

namespace gemtune::data {
namespace {

constexpr size_t kRowBytes = size_t{1} << 20;

// Where a row of at least kRowBytes can end in `text`; npos if nowhere.
size_t FindRowEnd(std::string_view text) {
  for (size_t end = text.find('\n', kRowBytes - 1); end != std::string_view::npos;
       end = text.find('\n', end)) {
    ++end;
    if (end < text.size() && text[end] != '\n' && text[end] != '\r') return end;
  }
  return std::string_view::npos;
}

}  // namespace

void ReadPlainText(const DataFile& file, RowSink& sink) {
  TextStream stream(file);
  int64_t line = 1;
  const auto take = [&](size_t bytes) {
    const std::string_view text = stream.window().substr(0, bytes);
    sink.Guard([&] { sink.Add(line, text, {}, {}); });
    line += std::ranges::count(text, '\n');
    stream.Consume(bytes);
  };
  while (sink.room() > 0) {
    const size_t end = FindRowEnd(stream.window());
    const bool is_too_long = stream.window().size() > kMaxTextBytes;  // one line
    if (end != std::string_view::npos || is_too_long) {
      take(std::min(end, stream.window().size()));
    } else if (!stream.Extend()) {
      if (!stream.window().empty()) take(stream.window().size());
      return;
    }
  }
}

}  // namespace gemtune::data
