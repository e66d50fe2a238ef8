#include "gemtune/text/stream_decoder.h"

namespace gemtune::text {

std::string StreamDecoder::Add(int32_t id) {
  waiting_.push_back(id);
  return tokenizer_.IsByte(id) ? "" : Finish();
}

std::string StreamDecoder::Finish() {
  std::string text = tokenizer_.Decode(waiting_, /*skip_special_tokens=*/true);
  waiting_.clear();
  return text;
}

}  // namespace gemtune::text
