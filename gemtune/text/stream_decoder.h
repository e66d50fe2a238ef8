#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemtune/text/tokenizer.h"

namespace gemtune::text {

/// Tokenizer::Decode, without special tokens, for ids that come one after the other: what Add and Finish
/// return makes, put together, Decode's text of all. Bytes that stand for themselves (<0xF0>) wait until
/// their run is over, so every piece is well-formed UTF-8.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  /// The text that is known now and was not before; may be empty. Throws Error for an id out of range.
  std::string Add(int32_t id);

  /// The text of what still waits. No Add afterwards.
  std::string Finish();

 private:
  Tokenizer tokenizer_;
  std::vector<int32_t> waiting_;  // a run of bytes
};

}  // namespace gemtune::text
