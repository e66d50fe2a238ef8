#pragma once

#include <string>
#include <vector>

#include "gemtune/text/stream_decoder.h"

namespace gemtune::infer {

/// The text of a sequence of generated tokens, up to the first of some stop strings, wherever the borders of
/// tokens lie in it. What could be the beginning of a stop string is held back until that is known.
class AnswerText {
 public:
  AnswerText(text::Tokenizer tokenizer, std::vector<std::string> stops);

  /// What can be shown from now on, possibly nothing. Not after is_stopped().
  std::string Add(int32_t id);

  /// The end of the text, if no stop string came.
  std::string Finish();

  /// Whether a stop string came; it is not part of the text.
  bool is_stopped() const { return is_stopped_; }

  /// All that Add and Finish have returned.
  const std::string& text() const { return text_; }

 private:
  std::string Show(const std::string& more, bool is_end);

  text::StreamDecoder decoder_;
  std::vector<std::string> stops_;
  std::string text_, held_;
  bool is_stopped_ = false;
};

}  // namespace gemtune::infer
