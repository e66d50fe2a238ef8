#include "gemtune/text/bpe.h"

#include <sentencepiece_processor.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "gemtune/base/error.h"
#include "gemtune/text/sentencepiece_proto.h"
#include "gemtune/text/utf8.h"

namespace gemtune::text {
// A hash table of fixed size that fills up and then stays: what is written is never changed, so that readers
// need no lock, and the common words of a text come early. 8 MB hold the words of some 20 MB of English.
class Bpe::WordCache {
 public:
  // Whether `word` was there; its ids are appended.
  bool Get(std::string_view word, uint64_t hash, std::vector<int32_t>* ids) const {
    if (word.size() > kMaxBytes) return false;
    for (size_t way = 0; way < kWays; ++way) {
      const Slot& slot = slots_[(hash + way) % kSlots];
      if (slot.state.load(std::memory_order_acquire) != kFull) return false;
      if (slot.num_bytes == word.size() && std::memcmp(slot.bytes, word.data(), word.size()) == 0) {
        ids->insert(ids->end(), slot.ids, slot.ids + slot.num_ids);
        return true;
      }
    }
    return false;
  }

  void Put(std::string_view word, uint64_t hash, const std::vector<int>& ids) {
    if (word.size() > kMaxBytes || ids.size() > kMaxIds) return;
    for (size_t way = 0; way < kWays; ++way) {
      Slot& slot = slots_[(hash + way) % kSlots];
      uint8_t expected = kFree;
      if (!slot.state.compare_exchange_strong(expected, kWriting, std::memory_order_relaxed)) continue;
      slot.num_bytes = static_cast<uint8_t>(word.size());
      slot.num_ids = static_cast<uint8_t>(ids.size());
      std::memcpy(slot.bytes, word.data(), word.size());
      std::ranges::copy(ids, slot.ids);
      slot.state.store(kFull, std::memory_order_release);
      return;
    }
  }

 private:
  static constexpr uint8_t kFree = 0, kWriting = 1, kFull = 2;
  static constexpr size_t kSlots = size_t{1} << 17, kWays = 4;
  static constexpr size_t kMaxBytes = 29, kMaxIds = 8;  // a slot is one cache line
  struct alignas(64) Slot {
    std::atomic<uint8_t> state = kFree;
    uint8_t num_bytes = 0;
    uint8_t num_ids = 0;
    char bytes[kMaxBytes];
    int32_t ids[kMaxIds];
  };
  static_assert(sizeof(Slot) == 64);

  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
};

Bpe::Bpe(const Vocabulary& vocabulary, const std::string& source) : cache_(std::make_unique<WordCache>()) {
  for (const std::string_view piece : vocabulary.pieces) {
    size_t left = CharacterClass(piece);
    for (size_t at = Utf8Length(piece[0]); at < piece.size(); at += Utf8Length(piece[at])) {
      const size_t right = CharacterClass(piece.substr(at));
      joins_[left].set(right);
      left = right;
    }
  }
  auto model = std::make_unique<sentencepiece::SentencePieceProcessor>();
  const auto status = model->LoadFromSerializedProto(EncodeModelWithoutAdded(vocabulary));
  if (!status.ok())
    Fail("{}: SentencePiece refuses its vocabulary: {}", source, Printable(status.message(), 200));
  model_ = std::move(model);
}

Bpe::~Bpe() = default;

size_t Bpe::CharacterClass(std::string_view rest) {
  const auto byte = static_cast<unsigned char>(rest[0]);
  if (byte < kOther) return byte;
  return rest.starts_with(kSpaceSymbol) ? ' ' : kOther;
}

void Bpe::Encode(std::string_view text, std::vector<int32_t>* ids) const {
  if (text.empty()) return;
  size_t begin = 0;
  size_t left = CharacterClass(text);
  for (size_t at = Utf8Length(text[0]); at < text.size(); at += Utf8Length(text[at])) {
    const size_t right = CharacterClass(text.substr(at));
    if (!joins_[left][right]) {
      EncodeWord(text.substr(begin, at - begin), ids);
      begin = at;
    }
    left = right;
  }
  EncodeWord(text.substr(begin), ids);
}

void Bpe::EncodeWord(std::string_view word, std::vector<int32_t>* ids) const {
  const uint64_t hash = XXH3_64bits(word.data(), word.size());
  if (cache_->Get(word, hash, ids)) return;
  std::vector<int> found;
  const auto status = model_->Encode(word, &found);
  if (!status.ok())
    throw RunError(fmt::format("SentencePiece cannot encode: {}", Printable(status.message(), 200)));
  ids->insert(ids->end(), found.begin(), found.end());
  cache_->Put(word, hash, found);
}

}  // namespace gemtune::text
