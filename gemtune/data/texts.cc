#include "gemtune/data/text_check.h"

#include <fmt/format.h>

#include "gemtune/data/table.h"
#include "gemtune/text/utf8.h"

namespace gemtune::data {

std::optional<TextFault> FaultOf(std::string_view text) {
  if (text.size() > kMaxTextBytes)
    return TextFault{RowFault::kTooLong, fmt::format("is longer than {} MB", kMaxTextBytes / 1'000'000)};
  if (text::ValidUtf8Prefix(text) != text.size()) return TextFault{RowFault::kNotUtf8, "is not valid UTF-8"};
  return std::nullopt;
}

}  // namespace gemtune::data
