#include "gemtune/data/texts.h"

#include <fmt/format.h>

#include <iterator>

#include "gemtune/data/table.h"
#include "gemtune/text/utf8.h"

namespace gemtune::data {

std::optional<TextFault> FaultOf(std::string_view text) {
  if (text.size() > kMaxTextBytes)
    return TextFault{RowFault::kTooLong, fmt::format("is longer than {} MB", kMaxTextBytes / 1'000'000)};
  if (text::ValidUtf8Prefix(text) != text.size()) return TextFault{RowFault::kNotUtf8, "is not valid UTF-8"};
  return std::nullopt;
}

Examples EncodeTexts(std::span<const std::string_view> texts, const text::Tokenizer& tokenizer,
                     int64_t max_length) {
  Examples examples;
  for (const auto& ids : tokenizer.EncodeBatch(texts, {}, {.max_length = max_length})) {
    examples.ids.insert(examples.ids.end(), ids.begin(), ids.end());
    examples.offsets.push_back(std::ssize(examples.ids));
  }
  examples.truncated.assign(texts.size(), 0);
  return examples;
}

}  // namespace gemtune::data
