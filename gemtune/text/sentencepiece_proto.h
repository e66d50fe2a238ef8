#pragma once

#include <string>
#include <string_view>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

// SentencePiece's ModelProto on the wire, by protozero: libprotobuf's headers and library would collide with
// the copies inside LibTorch and Arrow, and the fields needed are few. Field numbers:
// https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto

/// A BPE model whose SentencePiece gives Hugging Face's ids: a piece's score is minus the rank of the first
/// merge that makes it, the text is not normalised but for ' ' → ▁.
std::string EncodeModelProto(const Vocabulary& vocabulary);

/// Reads a tokenizer.model. Throws Error("<source>: ...") if it is damaged or not a model of Gemma's kind
/// (BPE, byte fallback, no normalisation, no space put in front).
ScoredPieces DecodeModelProto(std::string_view bytes, const std::string& source);

}  // namespace gemtune::text
