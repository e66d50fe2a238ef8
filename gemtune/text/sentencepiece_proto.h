#pragma once

#include <string>
#include <string_view>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

// Reads and writes SentencePiece's ModelProto with protozero: libprotobuf would collide with the copies
// inside LibTorch and Arrow, and only a few fields are needed. Field numbers:
// https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto

/// The contents of a tokenizer.model: a BPE model with byte fallback that does not normalise the text except
/// ' ' → ▁. The unknown token must be there.
std::string EncodeModelProto(const ScoredPieces& scored);

/// The model that gives Hugging Face's ids for text between added tokens (see Bpe): these are pieces like
/// others where a merge makes them, and are never found where none does.
std::string EncodeModelWithoutAdded(const Vocabulary& vocabulary);

/// Reads a tokenizer.model. Throws Error("<source>: ...") if it is damaged or not a model of Gemma's kind
/// (BPE, byte fallback, no normalisation, no space added in front).
ScoredPieces DecodeModelProto(std::string_view bytes, const std::string& source);

}  // namespace gemtune::text
