#include "gemtune/text/sentencepiece_proto.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/text/utf8.h"

namespace gemtune::text {
namespace {

static_assert(std::endian::native == std::endian::little);

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr uint32_t kModelPieces = 1, kModelTrainerSpec = 2, kModelNormalizerSpec = 3;
constexpr uint32_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint32_t kTrainerModelType = 3, kTrainerByteFallback = 35;
constexpr uint32_t kTrainerUnkId = 40, kTrainerBosId = 41, kTrainerEosId = 42, kTrainerPadId = 43;
constexpr uint32_t kTrainerUnkPiece = 45;
constexpr uint32_t kNormalizerName = 1, kNormalizerCharsMap = 2, kNormalizerAddDummyPrefix = 3;
constexpr uint32_t kNormalizerRemoveExtraWhitespaces = 4, kNormalizerEscapeWhitespaces = 5;
constexpr uint64_t kModelTypeBpe = 2;

class Message {
 public:
  void Varint(uint32_t field, int64_t value) {
    Tag(field, WireType::kVarint);
    Number(static_cast<uint64_t>(value));
  }
  void Float(uint32_t field, float value) {
    Tag(field, WireType::kFixed32);
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(value));
    bytes_.append(bytes, sizeof(value));
  }
  void Bytes(uint32_t field, std::string_view value) {
    Tag(field, WireType::kBytes);
    Number(value.size());
    bytes_ += value;
  }
  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }
  void Clear() { bytes_.clear(); }

 private:
  void Tag(uint32_t field, WireType type) { Number((uint64_t{field} << 3) | static_cast<uint32_t>(type)); }
  void Number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

struct Field {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;           // of a varint or fixed
  std::string_view bytes = {};  // of kBytes
};

// Walks the fields of one message, every length checked against what is left.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& source) : rest_(bytes), source_(source) {}

  std::optional<Field> Next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t tag = Varint();
    Field field = {.number = static_cast<uint32_t>(tag >> 3), .type = static_cast<WireType>(tag & 7)};
    if (tag >> 32 != 0 || field.number == 0) Damaged();
    switch (field.type) {
      case WireType::kVarint:
        field.value = Varint();
        break;
      case WireType::kFixed64:
        field.value = Fixed(8);
        break;
      case WireType::kFixed32:
        field.value = Fixed(4);
        break;
      case WireType::kBytes:
        field.bytes = Take(Varint());
        break;
      default:
        Damaged();
    }
    return field;
  }

  [[noreturn]] void Damaged() const {
    Fail("{}: not a SentencePiece model, or a damaged one: give a directory with a tokenizer.json", source_);
  }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(Take(1)[0]);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    Damaged();
  }
  uint64_t Fixed(size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, Take(size).data(), size);
    return value;
  }
  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) Damaged();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  const std::string& source_;
};

void DecodePiece(Reader reader, ScoredPieces* scored) {
  std::string text;
  float score = 0;
  auto type = PieceType::kNormal;
  while (const auto field = reader.Next()) {
    if (field->number == kPieceText && field->type == WireType::kBytes) {
      text = field->bytes;
    } else if (field->number == kPieceScore && field->type == WireType::kFixed32) {
      score = std::bit_cast<float>(static_cast<uint32_t>(field->value));
    } else if (field->number == kPieceType && field->type == WireType::kVarint) {
      if (field->value < 1 || field->value > 6) reader.Damaged();
      type = static_cast<PieceType>(field->value);
    }
  }
  scored->pieces.push_back(std::move(text));
  scored->scores.push_back(score);
  scored->types.push_back(type);
}

void DecodeTrainerSpec(Reader reader, const std::string& source, ScoredPieces* scored) {
  uint64_t model_type = 1;
  bool byte_fallback = false;
  while (const auto field = reader.Next()) {
    if (field->type != WireType::kVarint) continue;
    const auto id = static_cast<int32_t>(static_cast<int64_t>(field->value));
    if (field->number == kTrainerModelType) model_type = field->value;
    if (field->number == kTrainerByteFallback) byte_fallback = field->value != 0;
    if (field->number == kTrainerUnkId) scored->unk_id = id;
    if (field->number == kTrainerBosId) scored->bos_id = id;
    if (field->number == kTrainerEosId) scored->eos_id = id;
    if (field->number == kTrainerPadId) scored->pad_id = id;
  }
  if (model_type != kModelTypeBpe) Fail("{}: not a Gemma tokenizer: its model is not BPE", source);
  if (!byte_fallback) Fail("{}: not a Gemma tokenizer: it does not fall back to bytes", source);
}

void DecodeNormalizerSpec(Reader reader, const std::string& source) {
  bool identity = true, prefix = true, trim = true, escape = true;  // protobuf's defaults
  while (const auto field = reader.Next()) {
    if (field->number == kNormalizerCharsMap) identity = field->bytes.empty();
    if (field->number == kNormalizerAddDummyPrefix) prefix = field->value != 0;
    if (field->number == kNormalizerRemoveExtraWhitespaces) trim = field->value != 0;
    if (field->number == kNormalizerEscapeWhitespaces) escape = field->value != 0;
  }
  if (!identity || prefix || trim || !escape) {
    Fail("{}: not a Gemma tokenizer: it changes the text before it is cut into pieces", source);
  }
}

std::string EncodeTrainerSpec(const Vocabulary& vocabulary) {
  Message spec;
  spec.Varint(kTrainerModelType, kModelTypeBpe);
  spec.Varint(kTrainerByteFallback, 1);
  spec.Varint(kTrainerUnkId, vocabulary.unk_id);
  spec.Varint(kTrainerBosId, vocabulary.bos_id);
  spec.Varint(kTrainerEosId, vocabulary.eos_id);
  spec.Varint(kTrainerPadId, vocabulary.pad_id);
  spec.Bytes(kTrainerUnkPiece, vocabulary.pieces[vocabulary.unk_id]);
  return spec.Take();
}

std::string EncodeNormalizerSpec() {
  Message spec;
  spec.Bytes(kNormalizerName, "identity");
  spec.Varint(kNormalizerAddDummyPrefix, 0);
  spec.Varint(kNormalizerRemoveExtraWhitespaces, 0);
  spec.Varint(kNormalizerEscapeWhitespaces, 1);
  return spec.Take();
}

}  // namespace

std::string EncodeModelProto(const Vocabulary& vocabulary) {
  // Characters that no merge makes; SentencePiece needs a score of them and never compares it.
  constexpr float kNoMerge = -1e9F;
  std::vector<float> scores(vocabulary.pieces.size(), kNoMerge);
  std::vector<PieceType> types(vocabulary.pieces.size(), PieceType::kNormal);
  for (size_t id = 0; id < types.size(); ++id) {
    if (ByteOfPiece(vocabulary.pieces[id]) != kNoId) types[id] = PieceType::kByte;
  }
  // A token that was added to text that BPE also makes stays a normal piece, since flags may let BPE have
  // that text: control pieces are never merged, nor looked up for a single character.
  for (const AddedToken& token : vocabulary.added_tokens) {
    if (static_cast<size_t>(token.id) >= types.size() || types[token.id] == PieceType::kByte) continue;
    if (token.content.size() > Utf8Length(token.content[0])) types[token.id] = PieceType::kControl;
  }
  for (size_t rank = vocabulary.merges.size(); rank-- > 0;) {
    const int32_t id = vocabulary.merges[rank].merged;
    scores[id] = -static_cast<float>(rank);
    types[id] = PieceType::kNormal;  // also an added token, such as four spaces
  }
  types[vocabulary.unk_id] = PieceType::kUnknown;

  Message model;
  Message piece;
  for (size_t id = 0; id < types.size(); ++id) {
    piece.Clear();
    piece.Bytes(kPieceText, vocabulary.pieces[id]);
    piece.Float(kPieceScore, scores[id]);
    piece.Varint(kPieceType, static_cast<int64_t>(types[id]));
    model.Bytes(kModelPieces, piece.bytes());
  }
  model.Bytes(kModelTrainerSpec, EncodeTrainerSpec(vocabulary));
  model.Bytes(kModelNormalizerSpec, EncodeNormalizerSpec());
  return model.Take();
}

ScoredPieces DecodeModelProto(std::string_view bytes, const std::string& source) {
  ScoredPieces scored = {.bos_id = 1, .eos_id = 2, .unk_id = 0};  // protobuf's defaults
  bool trainer_spec = false, normalizer_spec = false;
  Reader reader(bytes, source);
  while (const auto field = reader.Next()) {
    if (field->type != WireType::kBytes) continue;
    const Reader inner(field->bytes, source);
    if (field->number == kModelPieces) DecodePiece(inner, &scored);
    if (scored.pieces.size() > kMaxPieces) Fail("{}: has more than {} tokens", source, kMaxPieces);
    if (field->number == kModelTrainerSpec) {
      DecodeTrainerSpec(inner, source, &scored);
      trainer_spec = true;
    }
    if (field->number == kModelNormalizerSpec) {
      DecodeNormalizerSpec(inner, source);
      normalizer_spec = true;
    }
  }
  if (!trainer_spec || !normalizer_spec || scored.pieces.empty()) reader.Damaged();
  return scored;
}

}  // namespace gemtune::text
