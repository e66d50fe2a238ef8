#include "gemtune/text/stream_decoder.h"

namespace gemtune::text {

std::string StreamDecoder::Add(int32_t id) {
  const bool is_byte = tokenizer_.IsByte(id);
  if (!is_byte && tokenizer_.Decode(std::vector{id}, /*skip_special_tokens=*/true).empty())
    return "";  // interrupts no run
  waiting_.push_back(id);
  return is_byte ? "" : Finish();
}

std::string StreamDecoder::Finish() {
  std::string text = tokenizer_.Decode(waiting_, /*skip_special_tokens=*/true);
  waiting_.clear();
  return text;
}

}  // namespace gemtune::text
