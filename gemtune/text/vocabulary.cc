#include "gemtune/text/vocabulary.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/text/utf8.h"

namespace gemtune::text {
namespace {

// SentencePiece's scores are floats, which count exactly up to here; ids are int32.
constexpr size_t kMaxMerges = size_t{1} << 24;

// Calls split(left, right) for every way to cut pieces[id] into two pieces, the shortest left part first.
template <typename F>
void ForEachSplit(std::span<const std::string> pieces, const PieceIndex& index, size_t id, F&& split) {
  const std::string_view piece = pieces[id];
  for (size_t at = Utf8Length(piece[0]); at < piece.size(); at += Utf8Length(piece[at])) {
    const int32_t left = index.Find(piece.substr(0, at));
    if (left == kNoId) continue;
    const int32_t right = index.Find(piece.substr(at));
    if (right != kNoId) split(left, right);
  }
}

size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

// A run of one character, such as four spaces.
bool IsRun(std::string_view piece) {
  const size_t step = Utf8Length(piece[0]);
  return piece.substr(step) == piece.substr(0, piece.size() - step);
}

std::vector<Merge> AllMerges(std::span<const std::string> pieces, std::span<const float> scores,
                             const std::string& source) {
  const PieceIndex index(pieces, source);
  std::vector<int32_t> by_score(pieces.size());
  std::iota(by_score.begin(), by_score.end(), 0);
  std::ranges::stable_sort(by_score, [&](int32_t a, int32_t b) { return scores[a] > scores[b]; });
  std::vector<Merge> merges;
  for (size_t begin = 0, end = 0; begin < by_score.size(); begin = end) {
    const size_t first = merges.size();
    for (end = begin; end < by_score.size() && scores[by_score[end]] == scores[by_score[begin]]; ++end) {
      const int32_t id = by_score[end];
      ForEachSplit(pieces, index, id, [&](int32_t left, int32_t right) {
        merges.push_back({left, right, id});
      });
      if (merges.size() > kMaxMerges) Fail("{}: more than {} merges", source, kMaxMerges);
    }
    const auto lengths = [&](const Merge& merge) {
      return std::pair(CountCharacters(pieces[merge.left]), CountCharacters(pieces[merge.right]));
    };
    std::stable_sort(merges.begin() + static_cast<ptrdiff_t>(first), merges.end(),
                     [&](const Merge& a, const Merge& b) { return lengths(a) > lengths(b); });
  }
  return merges;
}

// GGUF gives <start_of_image> the same type as <b>, so types do not help. The first two are set by
// transformers' GemmaConverter, the others by Gemma 3's tokenizer.json.
bool IsSpecial(std::string_view content) {
  static constexpr std::array<std::string_view, 5> kSpecial = {
      "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"};
  return std::ranges::find(kSpecial, content) != kSpecial.end();
}

// A model with more embedding rows than tokens has its GGUF's vocabulary filled up with [PAD...].
void DropUnusedTail(ScoredPieces* scored, const std::string& source) {
  while (!scored->types.empty() && scored->types.back() == PieceType::kUnused) scored->types.pop_back();
  const auto unused = std::ranges::find(scored->types, PieceType::kUnused);
  if (unused != scored->types.end()) {
    Fail("{}: token {} is of type 'unused', which is supported at the end only", source,
         unused - scored->types.begin());
  }
  scored->pieces.resize(scored->types.size());
  scored->scores.resize(scored->types.size());
}

void CheckBytes(const Vocabulary& vocabulary, const std::string& source) {
  std::bitset<256> bytes;
  for (const std::string& piece : vocabulary.pieces) {
    if (const int32_t byte = ByteOfPiece(piece); byte != kNoId) bytes.set(static_cast<size_t>(byte));
  }
  if (!bytes.all())
    Fail("{}: not a Gemma tokenizer: it has no token for each byte (<0x00> to <0xFF>)", source);
}

void CheckContent(const AddedToken& token, const std::string& source) {
  if (token.content.empty()) Fail("{}: added token {} is empty: remove it", source, token.id);
  if (token.content.size() > kMaxTokenBytes) {
    Fail("{}: added token '{}' is longer than {} bytes", source, Printable(token.content), kMaxTokenBytes);
  }
  if (ValidUtf8Prefix(token.content) != token.content.size()) {
    Fail("{}: added token '{}' is not UTF-8", source, Printable(token.content));
  }
}

// Hugging Face gives a token that is also a piece the piece's id, and any other token the next free id,
// whatever the file says.
void CheckAddedIds(const Vocabulary& vocabulary, const std::string& source) {
  auto next_id = static_cast<int64_t>(vocabulary.pieces.size());
  std::unordered_map<std::string_view, int32_t> not_pieces;
  for (const AddedToken& token : vocabulary.added_tokens) {
    const std::string name = Printable(token.content);
    if (token.id < static_cast<int64_t>(vocabulary.pieces.size())) {
      if (vocabulary.pieces[token.id] != token.content) {
        Fail("{}: added token '{}' has the id {} of '{}'", source, name, token.id,
             Printable(vocabulary.pieces[token.id]));
      }
    } else if (token.id != next_id++) {
      Fail("{}: added token '{}' has the id {}; {} is the next one free", source, name, token.id,
           next_id - 1);
    } else {
      not_pieces.emplace(token.content, token.id);
    }
  }
  if (not_pieces.empty()) return;
  for (size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const auto found = not_pieces.find(vocabulary.pieces[id]);
    if (found == not_pieces.end()) continue;
    Fail(
        "{}: added token '{}' has the id {}, but the vocabulary has it as token {}: save the tokenizer again "
        "with transformers",
        source, Printable(found->first), found->second, id);
  }
}

void CheckAddedTokens(const Vocabulary& vocabulary, const std::string& source) {
  std::unordered_set<std::string_view> seen;
  std::unordered_map<std::string, std::string_view> normalized;
  int64_t last_id = kNoId;
  for (const AddedToken& token : vocabulary.added_tokens) {
    CheckContent(token, source);
    if (!seen.insert(token.content).second || token.id <= last_id) {
      Fail("{}: added token '{}' (id {}) occurs twice", source, Printable(token.content), token.id);
    }
    last_id = token.id;
    if (!token.normalized) continue;
    const auto [same, is_new] = normalized.emplace(Normalize(token.content), token.content);
    if (is_new) continue;
    Fail(
        "{}: the added tokens '{}' and '{}' set 'normalized' and are the same once ' ' is U+2581, so that "
        "tokenizers picks one by chance: remove one, or let one not be normalized",
        source, Printable(same->second), Printable(token.content));
  }
  CheckAddedIds(vocabulary, source);
}

void CheckIds(const Vocabulary& vocabulary, const std::string& source) {
  const int64_t size = VocabularySize(vocabulary);
  const auto check = [&](std::string_view name, int32_t id) {
    if (id < kNoId || id >= size) Fail("{}: the {} token's id {} is outside [0, {})", source, name, id, size);
  };
  check("bos", vocabulary.bos_id);
  check("eos", vocabulary.eos_id);
  check("pad", vocabulary.pad_id);
  const SpecialTokensTemplate& around = vocabulary.special_tokens;
  for (const auto* ids : {&around.single_before, &around.single_after, &around.pair_before,
                          &around.pair_between, &around.pair_after}) {
    for (const int32_t id : *ids) check("template", id);
  }
  if (vocabulary.unk_id < 0 || vocabulary.unk_id >= static_cast<int64_t>(vocabulary.pieces.size())) {
    Fail("{}: not a Gemma tokenizer: it has no token for unknown text (<unk>)", source);
  }
}

}  // namespace

std::string Normalize(std::string_view text) {
  std::string normalized;
  normalized.reserve(text.size());
  for (const char c : text) {
    if (c == ' ') {
      normalized += kSpaceSymbol;
    } else {
      normalized += c;
    }
  }
  return normalized;
}

PieceIndex::PieceIndex(std::span<const std::string> pieces, const std::string& source)
    : pieces_(pieces), slots_(std::bit_ceil(pieces.size() * 2 + 1)) {
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].empty()) Fail("{}: token {} is empty", source, id);
    if (ValidUtf8Prefix(pieces[id]) != pieces[id].size()) {
      Fail("{}: token {} ('{}') is not UTF-8", source, id, Printable(pieces[id]));
    }
    const uint64_t hash = XXH3_64bits(pieces[id].data(), pieces[id].size());
    size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      const size_t other = (slots_[slot] & 0xffffffffu) - 1;
      if (slots_[slot] >> 32 == hash >> 32 && pieces[other] == pieces[id]) {
        Fail("{}: '{}' occurs twice, as token {} and {}", source, Printable(pieces[id]), other, id);
      }
    }
    slots_[slot] = (hash >> 32 << 32) | (id + 1);
  }
}

int32_t PieceIndex::Find(std::string_view piece) const {
  const uint64_t hash = XXH3_64bits(piece.data(), piece.size());
  for (size_t slot = hash & (slots_.size() - 1); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const auto id = static_cast<int32_t>((slots_[slot] & 0xffffffffu) - 1);
    if (slots_[slot] >> 32 == hash >> 32 && pieces_[id] == piece) return id;
  }
  return kNoId;
}

void CheckSizes(std::span<const std::string> pieces, const std::string& source) {
  if (pieces.size() > kMaxPieces) Fail("{}: has {} tokens, more than {}", source, pieces.size(), kMaxPieces);
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].size() > kMaxTokenBytes)
      Fail("{}: token {} is longer than {} bytes", source, id, kMaxTokenBytes);
  }
}

Vocabulary VocabularyFromScores(ScoredPieces scored, const std::string& source) {
  CheckSizes(scored.pieces, source);
  DropUnusedTail(&scored, source);
  if (scored.unk_id == kNoId) {
    const auto unknown = std::ranges::find(scored.types, PieceType::kUnknown);
    if (unknown != scored.types.end()) scored.unk_id = static_cast<int32_t>(unknown - scored.types.begin());
  }
  Vocabulary vocabulary = {
      .bos_id = scored.bos_id, .eos_id = scored.eos_id, .pad_id = scored.pad_id, .unk_id = scored.unk_id};
  for (size_t i = 0; i < scored.pieces.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (!std::isfinite(scored.scores[i])) Fail("{}: token {} has no finite score", source, id);
    scored.pieces[i] = Normalize(scored.pieces[i]);
    if (scored.types[i] == PieceType::kNormal || scored.types[i] == PieceType::kByte) continue;
    const bool named =
        id == scored.bos_id || id == scored.eos_id || id == scored.pad_id || id == scored.unk_id;
    vocabulary.added_tokens.push_back(
        {.id = id, .content = scored.pieces[i], .special = named || IsSpecial(scored.pieces[i])});
    scored.scores[i] = 0;
  }
  vocabulary.pieces = std::move(scored.pieces);
  vocabulary.merges = AllMerges(vocabulary.pieces, scored.scores, source);
  vocabulary.special_tokens =
      MakeTemplate(scored.add_bos ? scored.bos_id : kNoId, scored.add_eos ? scored.eos_id : kNoId);
  return vocabulary;
}

ScoredPieces ScoresFromVocabulary(const Vocabulary& vocabulary) {
  const auto eos = std::ranges::find(vocabulary.added_tokens, "<eos>", &AddedToken::content);
  ScoredPieces scored = {.pieces = vocabulary.pieces,
                         .bos_id = vocabulary.bos_id,
                         .eos_id = eos == vocabulary.added_tokens.end() ? vocabulary.eos_id : eos->id,
                         .pad_id = vocabulary.pad_id,
                         .unk_id = vocabulary.unk_id,
                         .add_bos = !vocabulary.special_tokens.single_before.empty(),
                         .add_eos = !vocabulary.special_tokens.single_after.empty()};
  const size_t size = vocabulary.pieces.size();
  scored.scores.assign(size, -static_cast<float>(vocabulary.merges.size()));
  scored.types.assign(size, PieceType::kNormal);
  for (size_t rank = vocabulary.merges.size(); rank-- > 0;) {
    scored.scores[vocabulary.merges[rank].merged] = -static_cast<float>(rank);
  }
  const auto set = [&](int64_t id, PieceType type) {
    if (id < 0 || id >= static_cast<int64_t>(size)) return;
    scored.types[id] = type;
    scored.scores[id] = 0;
  };
  for (const AddedToken& token : vocabulary.added_tokens) set(token.id, PieceType::kUserDefined);
  for (const int32_t id : {scored.bos_id, scored.eos_id, scored.pad_id}) {
    set(id, PieceType::kControl);
  }
  set(vocabulary.unk_id, PieceType::kUnknown);
  for (size_t id = 0; id < size; ++id) {
    if (ByteOfPiece(vocabulary.pieces[id]) != kNoId) set(static_cast<int64_t>(id), PieceType::kByte);
  }
  return scored;
}

SpecialTokensTemplate MakeTemplate(int32_t bos_id, int32_t eos_id) {
  SpecialTokensTemplate made;
  if (bos_id != kNoId) {
    made.single_before = made.pair_before = {bos_id};
  }
  if (eos_id != kNoId) {
    made.single_after = made.pair_after = made.pair_between = {eos_id};
  }
  if (bos_id != kNoId) made.pair_between.push_back(bos_id);
  return made;
}

void CheckVocabulary(const Vocabulary& vocabulary, const std::string& source) {
  CheckBytes(vocabulary, source);
  CheckAddedTokens(vocabulary, source);
  CheckIds(vocabulary, source);
  if (vocabulary.merges.size() > kMaxMerges) Fail("{}: more than {} merges", source, kMaxMerges);
  for (const Merge& merge : vocabulary.merges) {
    // Hugging Face merges byte-fallback pieces like any others; SentencePiece does not.
    for (const int32_t id : {merge.left, merge.right, merge.merged}) {
      if (ByteOfPiece(vocabulary.pieces[id]) != kNoId || id == vocabulary.unk_id) {
        Fail("{}: merges with '{}' are not supported", source, Printable(vocabulary.pieces[id]));
      }
    }
  }
}

void CheckMerges(const Vocabulary& vocabulary, const PieceIndex& index, const std::string& source) {
  // Compares two lists of pairs by the sum of hashes, without sorting them.
  const auto hash = [](int32_t left, int32_t right) {
    const uint64_t pair = (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
    return XXH3_64bits(&pair, sizeof(pair));
  };
  uint64_t listed = 0;
  std::vector<bool> seen(vocabulary.pieces.size());
  int32_t previous = kNoId;
  for (const Merge& merge : vocabulary.merges) {
    listed += hash(merge.left, merge.right);
    if (merge.merged == previous) continue;
    // The merges of runs may be scattered: they compete only with those of shorter runs, and the longest
    // wins.
    if (seen[merge.merged] && !IsRun(vocabulary.pieces[merge.merged])) {
      Fail(
          "{}: the merges that make '{}' are not next to each other; only SentencePiece's order is supported",
          source, Printable(vocabulary.pieces[merge.merged]));
    }
    seen[merge.merged] = true;
    previous = merge.merged;
  }
  uint64_t possible = 0;
  size_t count = 0;
  for (size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    ForEachSplit(vocabulary.pieces, index, id, [&](int32_t left, int32_t right) {
      possible += hash(left, right);
      ++count;
    });
  }
  if (count != vocabulary.merges.size() || possible != listed) {
    Fail(
        "{}: lists {} merges where its vocabulary allows {}; only SentencePiece's vocabularies, which list "
        "all, are "
        "supported",
        source, vocabulary.merges.size(), count);
  }
}

const std::string& TokenText(const Vocabulary& vocabulary, int32_t id) {
  const auto num_pieces = static_cast<int64_t>(vocabulary.pieces.size());
  if (id < num_pieces) return vocabulary.pieces[id];
  // CheckVocabulary ensures that tokens that are not pieces follow the pieces without a gap.
  const auto not_added = VocabularySize(vocabulary) - static_cast<int64_t>(vocabulary.added_tokens.size());
  return vocabulary.added_tokens[id - not_added].content;
}

int32_t ByteOfPiece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return kNoId;
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const size_t high = kDigits.find(piece[3]);
  const size_t low = kDigits.find(piece[4]);
  if (high == std::string_view::npos || low == std::string_view::npos) return kNoId;
  return static_cast<int32_t>(high * 16 + low);
}

}  // namespace gemtune::text
