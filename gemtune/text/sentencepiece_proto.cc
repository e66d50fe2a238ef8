#include "gemtune/text/sentencepiece_proto.h"

#define PROTOZERO_USE_VIEW std::string_view
#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/text/utf8.h"

namespace gemtune::text {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

constexpr uint32_t kModelPieces = 1, kModelTrainerSpec = 2, kModelNormalizerSpec = 3;
constexpr uint32_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint32_t kTrainerModelType = 3, kTrainerByteFallback = 35;
constexpr uint32_t kTrainerUnkId = 40, kTrainerBosId = 41, kTrainerEosId = 42, kTrainerPadId = 43;
constexpr uint32_t kTrainerUnkPiece = 45, kTrainerBosPiece = 46, kTrainerEosPiece = 47, kTrainerPadPiece = 48;
constexpr uint32_t kNormalizerName = 1, kNormalizerCharsMap = 2, kNormalizerAddDummyPrefix = 3;
constexpr uint32_t kNormalizerRemoveExtraWhitespaces = 4, kNormalizerEscapeWhitespaces = 5;
constexpr int32_t kModelTypeBpe = 2;

// A field of that number and of that form on the wire; one of another form is passed over.
constexpr uint32_t Varint(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
constexpr uint32_t Fixed32(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed32);
}
constexpr uint32_t Bytes(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}

[[noreturn]] void Damaged(const std::string& source) {
  Fail("{}: not a SentencePiece model, or a damaged one: give a directory with a tokenizer.json", source);
}

void DecodePiece(pbf_reader message, const std::string& source, ScoredPieces* scored) {
  std::string text;
  float score = 0;
  uint64_t type = static_cast<uint64_t>(PieceType::kNormal);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Bytes(kPieceText):
        text = message.get_view();
        break;
      case Fixed32(kPieceScore):
        score = message.get_float();
        break;
      case Varint(kPieceType):
        type = message.get_uint64();
        if (type < 1 || type > 6) Damaged(source);
        break;
      default:
        message.skip();
    }
  }
  scored->pieces.push_back(std::move(text));
  scored->scores.push_back(score);
  scored->types.push_back(static_cast<PieceType>(type));
}

void DecodeTrainerSpec(pbf_reader message, const std::string& source, ScoredPieces* scored) {
  uint64_t model_type = 1;
  bool byte_fallback = false;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Varint(kTrainerModelType):
        model_type = message.get_uint64();
        break;
      case Varint(kTrainerByteFallback):
        byte_fallback = message.get_uint64() != 0;
        break;
      case Varint(kTrainerUnkId):
        scored->unk_id = message.get_int32();
        break;
      case Varint(kTrainerBosId):
        scored->bos_id = message.get_int32();
        break;
      case Varint(kTrainerEosId):
        scored->eos_id = message.get_int32();
        break;
      case Varint(kTrainerPadId):
        scored->pad_id = message.get_int32();
        break;
      default:
        message.skip();
    }
  }
  if (model_type != kModelTypeBpe) Fail("{}: not a Gemma tokenizer: its model is not BPE", source);
  if (!byte_fallback) Fail("{}: not a Gemma tokenizer: it does not fall back to bytes", source);
}

void DecodeNormalizerSpec(pbf_reader message, const std::string& source) {
  bool identity = true, prefix = true, trim = true, escape = true;  // protobuf's defaults
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Bytes(kNormalizerCharsMap):
        identity = message.get_view().empty();
        break;
      case Varint(kNormalizerAddDummyPrefix):
        prefix = message.get_uint64() != 0;
        break;
      case Varint(kNormalizerRemoveExtraWhitespaces):
        trim = message.get_uint64() != 0;
        break;
      case Varint(kNormalizerEscapeWhitespaces):
        escape = message.get_uint64() != 0;
        break;
      default:
        message.skip();
    }
  }
  if (!identity || prefix || trim || !escape) {
    Fail("{}: not a Gemma tokenizer: it changes the text before it is cut into pieces", source);
  }
}

void EncodeTrainerSpec(const ScoredPieces& scored, pbf_writer spec) {
  spec.add_int32(kTrainerModelType, kModelTypeBpe);
  spec.add_bool(kTrainerByteFallback, true);
  spec.add_int32(kTrainerUnkId, scored.unk_id);
  spec.add_int32(kTrainerBosId, scored.bos_id);
  spec.add_int32(kTrainerEosId, scored.eos_id);
  spec.add_int32(kTrainerPadId, scored.pad_id);
  // SentencePiece takes these tokens by their texts, which default to others than Gemma's.
  const auto add_piece = [&](uint32_t field, int32_t id) {
    const bool is_piece = id >= 0 && static_cast<size_t>(id) < scored.pieces.size();
    if (is_piece) spec.add_bytes(field, scored.pieces[id]);
  };
  add_piece(kTrainerUnkPiece, scored.unk_id);
  add_piece(kTrainerBosPiece, scored.bos_id);
  add_piece(kTrainerEosPiece, scored.eos_id);
  add_piece(kTrainerPadPiece, scored.pad_id);
}

void EncodeNormalizerSpec(pbf_writer spec) {
  spec.add_bytes(kNormalizerName, "identity");
  spec.add_bool(kNormalizerAddDummyPrefix, false);
  spec.add_bool(kNormalizerRemoveExtraWhitespaces, false);
  spec.add_bool(kNormalizerEscapeWhitespaces, true);
}

}  // namespace

std::string EncodeModelProto(const ScoredPieces& scored) {
  GEMTUNE_CHECK(scored.unk_id >= 0);
  std::string bytes;
  pbf_writer model(bytes);
  for (size_t id = 0; id < scored.pieces.size(); ++id) {
    pbf_writer piece(model, kModelPieces);
    piece.add_bytes(kPieceText, scored.pieces[id]);
    piece.add_float(kPieceScore, scored.scores[id]);
    piece.add_enum(kPieceType, static_cast<int32_t>(scored.types[id]));
  }
  EncodeTrainerSpec(scored, pbf_writer(model, kModelTrainerSpec));
  EncodeNormalizerSpec(pbf_writer(model, kModelNormalizerSpec));
  return bytes;
}

std::string EncodeModelWithoutAdded(const Vocabulary& vocabulary) {
  ScoredPieces scored = ScoresFromVocabulary(vocabulary);
  for (size_t id = 0; id < scored.types.size(); ++id) {
    if (scored.types[id] != PieceType::kByte) scored.types[id] = PieceType::kNormal;
  }
  // A token that was added to text that BPE also makes stays a normal piece, since flags may let BPE have
  // that text: control pieces are never merged, nor looked up for a single character.
  for (const AddedToken& token : vocabulary.added_tokens) {
    if (static_cast<size_t>(token.id) >= scored.types.size()) continue;
    if (scored.types[token.id] == PieceType::kByte) continue;
    if (token.content.size() > Utf8Length(token.content[0])) scored.types[token.id] = PieceType::kControl;
  }
  for (size_t rank = vocabulary.merges.size(); rank-- > 0;) {
    const int32_t id = vocabulary.merges[rank].merged;
    scored.scores[id] = -static_cast<float>(rank);
    scored.types[id] = PieceType::kNormal;  // also an added token, such as four spaces
  }
  scored.types[vocabulary.unk_id] = PieceType::kUnknown;
  return EncodeModelProto(scored);
}

ScoredPieces DecodeModelProto(std::string_view bytes, const std::string& source) try {
  ScoredPieces scored = {.bos_id = 1, .eos_id = 2, .unk_id = 0};  // protobuf's defaults
  bool trainer_spec = false, normalizer_spec = false;
  pbf_reader model(bytes);
  while (model.next()) {
    switch (model.tag_and_type()) {
      case Bytes(kModelPieces):
        DecodePiece(model.get_message(), source, &scored);
        if (scored.pieces.size() > kMaxPieces) Fail("{}: has more than {} tokens", source, kMaxPieces);
        break;
      case Bytes(kModelTrainerSpec):
        DecodeTrainerSpec(model.get_message(), source, &scored);
        trainer_spec = true;
        break;
      case Bytes(kModelNormalizerSpec):
        DecodeNormalizerSpec(model.get_message(), source);
        normalizer_spec = true;
        break;
      default:
        model.skip();
    }
  }
  if (!trainer_spec || !normalizer_spec || scored.pieces.empty()) Damaged(source);
  return scored;
} catch (const protozero::exception&) {
  Damaged(source);
}

}  // namespace gemtune::text
