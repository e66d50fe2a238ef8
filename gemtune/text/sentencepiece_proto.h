#pragma once

#include <string>
#include <string_view>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

// Reads and writes SentencePiece's ModelProto with protozero: libprotobuf would collide with the copies
// inside LibTorch and Arrow, and only a few fields are needed. Field numbers:
// https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto

/// A BPE model with which SentencePiece gives Hugging Face's ids: a piece's score is minus the rank of the
/// first merge that makes it, and the text is not normalised except ' ' → ▁.
std::string EncodeModelProto(const Vocabulary& vocabulary);

/// Reads a tokenizer.model. Throws Error("<source>: ...") if it is damaged or not a model of Gemma's kind
/// (BPE, byte fallback, no normalisation, no space added in front).
ScoredPieces DecodeModelProto(std::string_view bytes, const std::string& source);

}  // namespace gemtune::text
