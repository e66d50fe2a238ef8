#include "gemtune/text/tokenizer.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/hash.h"
#include "gemtune/base/parallel.h"
#include "gemtune/io/gguf.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/text/added_tokens.h"
#include "gemtune/text/bpe.h"
#include "gemtune/text/gguf_vocabulary.h"
#include "gemtune/text/sentencepiece_proto.h"
#include "gemtune/text/tokenizer_config.h"
#include "gemtune/text/tokenizer_json.h"
#include "gemtune/text/utf8.h"
#include "gemtune/text/vocabulary.h"

namespace gemtune::text {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTokenizerJson = "tokenizer.json";
constexpr const char* kTokenizerConfig = "tokenizer_config.json";
constexpr const char* kTokenizerModel = "tokenizer.model";
constexpr const char* kChatTemplate = "chat_template.jinja";

// A file that Save copies.
struct SourceFile {
  fs::path path;
  std::string saved_name;
  std::string hash;  // of the contents that were loaded
};

struct Loaded {
  Vocabulary vocabulary = {};
  std::vector<SourceFile> files = {};  // Save makes others
};

std::string HashOf(std::string_view contents) {
  Hash hash;
  hash.Add(contents);
  return hash.Hex();
}

// Reads a file and notes it as one to copy.
std::string ReadSource(const fs::path& path, std::string saved_name, std::vector<SourceFile>* files) {
  std::string contents = ReadFile(path);
  files->push_back({path, std::move(saved_name), HashOf(contents)});
  return contents;
}

// The same for `name` in `directory`, if it is there.
std::optional<std::string> ReadSidecar(const fs::path& directory, const char* name,
                                       std::vector<SourceFile>* files) {
  std::error_code error;
  if (!fs::exists(directory / name, error)) return std::nullopt;
  return ReadSource(directory / name, name, files);
}

// Loads the files beside tokenizer.json or tokenizer.model in `directory`.
void LoadSidecars(const fs::path& directory, VocabularySource source, Loaded* loaded) {
  const std::string config = ReadSidecar(directory, kTokenizerConfig, &loaded->files).value_or("{}");
  ApplyTokenizerConfig(config, (directory / kTokenizerConfig).string(), source, &loaded->vocabulary);
  // This file takes precedence in transformers.
  if (auto jinja = ReadSidecar(directory, kChatTemplate, &loaded->files)) {
    loaded->vocabulary.chat_template = std::move(jinja);
  }
}

Loaded LoadTokenizerJson(const fs::path& path) {
  Loaded loaded;
  loaded.vocabulary = ParseTokenizerJson(ReadSource(path, kTokenizerJson, &loaded.files), path.string());
  LoadSidecars(path.parent_path(), VocabularySource::kTokenizerJson, &loaded);
  for (const char* name : {"special_tokens_map.json", "added_tokens.json", kTokenizerModel}) {
    ReadSidecar(path.parent_path(), name, &loaded.files);
  }
  return loaded;
}

Loaded LoadSentencePiece(const fs::path& path) {
  Loaded loaded;
  const std::string model = ReadSource(path, kTokenizerModel, &loaded.files);
  loaded.vocabulary = VocabularyFromScores(DecodeModelProto(model, path.string()), path.string());
  LoadSidecars(path.parent_path(), VocabularySource::kSentencePiece, &loaded);
  loaded.files.resize(1);  // the configuration is made anew, for the tokenizer.json that is made
  return loaded;
}

Loaded LoadAny(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    if (fs::exists(path / kTokenizerJson, error)) return LoadTokenizerJson(path / kTokenizerJson);
    if (fs::exists(path / kTokenizerModel, error)) return LoadSentencePiece(path / kTokenizerModel);
    Fail("{}: has neither {} nor {}", path.string(), kTokenizerJson, kTokenizerModel);
  }
  if (!fs::exists(path, error)) Fail("{}: no such file or directory", path.string());
  if (io::GgufFile::HasMagic(path)) return {.vocabulary = ReadGgufVocabulary(path)};
  if (path.extension() == ".json") return LoadTokenizerJson(path);
  return LoadSentencePiece(path);
}

std::string Fingerprint(const Vocabulary& vocabulary) {
  Hash hash;
  const auto add_ids = [&](const std::vector<int32_t>& ids) {
    hash.Add(ids.size());
    hash.AddBytes(std::as_bytes(std::span(ids)));
  };
  hash.Add(std::string_view("gemtune tokenizer 1"));
  hash.Add(vocabulary.pieces.size());
  for (const std::string& piece : vocabulary.pieces) hash.Add(piece);
  hash.Add(vocabulary.merges.size());
  hash.AddBytes(std::as_bytes(std::span(vocabulary.merges)));
  hash.Add(vocabulary.added_tokens.size());
  for (const AddedToken& token : vocabulary.added_tokens) {
    // The flags are in the bits above the id. A plain token's flags are 0, so fingerprints are as before
    // flags existed.
    uint64_t flags = 0;
    for (const bool flag : {token.single_word, token.lstrip, token.rstrip, token.normalized}) {
      flags = flags * 2 + (flag ? 1 : 0);
    }
    hash.Add((flags << 32) | static_cast<uint64_t>(token.id));
    hash.Add(token.content);
  }
  const SpecialTokensTemplate& around = vocabulary.special_tokens;
  add_ids(around.single_before);
  add_ids(around.single_after);
  add_ids(around.pair_before);
  add_ids(around.pair_between);
  add_ids(around.pair_after);
  return hash.Hex();
}

// Which ids Decode(skip_special_tokens = true) leaves out.
std::vector<bool> FindSpecial(const Vocabulary& vocabulary) {
  // transformers adds the named tokens; GemmaTokenizer's mask_token is <mask>.
  std::vector<bool> special(static_cast<size_t>(VocabularySize(vocabulary)));
  for (const int32_t id : {vocabulary.bos_id, vocabulary.eos_id, vocabulary.pad_id, vocabulary.unk_id}) {
    if (id != kNoId) special[id] = true;
  }
  std::unordered_set<std::string_view> contents;
  for (const AddedToken& token : vocabulary.added_tokens) {
    if (token.special || special[token.id] || token.content == "<mask>") contents.insert(token.content);
  }
  // tokenizers compares the decoder's text with the contents as they were added, so a normalized token with a
  // space is not left out.
  for (const AddedToken& token : vocabulary.added_tokens) {
    const std::string decoded = token.normalized ? Normalize(token.content) : token.content;
    special[token.id] = contents.contains(decoded);
  }
  return special;
}

// How many tokens of two texts, of `first` and `second` tokens, are kept so that together they have at most
// `limit`: "longest_first" of
// https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/utils/truncation.rs
std::pair<size_t, size_t> LongestFirst(size_t first, size_t second, size_t limit) {
  if (first + second <= limit) return {first, second};
  size_t shorter = std::min(first, second);
  size_t longer = shorter > limit ? shorter : std::max(shorter, limit - shorter);
  if (shorter + longer > limit) {
    shorter = limit / 2;
    longer = limit - shorter;
  }
  return first > second ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

void Append(const std::vector<int32_t>& ids, std::vector<int32_t>* out) {
  out->insert(out->end(), ids.begin(), ids.end());
}

// The text of a token as the decoder's first step leaves it.
std::string WithSpaces(std::string_view token) {
  std::string text;
  for (size_t at = 0; at < token.size();) {
    const bool space = token.substr(at).starts_with(kSpaceSymbol);
    text += space ? ' ' : token[at];
    at += space ? kSpaceSymbol.size() : 1;
  }
  return text;
}

}  // namespace

struct Tokenizer::State {
  State(Loaded loaded, const std::string& source)
      : vocabulary(std::move(loaded.vocabulary)),
        files(std::move(loaded.files)),
        added_tokens(vocabulary.added_tokens, /*normalized=*/false),
        normalized_tokens(vocabulary.added_tokens, /*normalized=*/true),
        bpe(vocabulary, source),
        fingerprint(Fingerprint(vocabulary)),
        special(FindSpecial(vocabulary)) {}

  // The ids of `text` alone.
  std::vector<int32_t> Encode(std::string_view text) const {
    std::string repaired;
    if (ValidUtf8Prefix(text) != text.size()) text = repaired = ReplaceInvalidUtf8(text);
    std::vector<int32_t> ids;
    added_tokens.Split(text, [&](std::string_view part, int32_t id) {
      if (id != kNoId) {
        ids.push_back(id);
      } else {
        EncodeWithoutAdded(part, &ids);
      }
    });
    return ids;
  }

  // Encodes text between the added tokens that are matched in raw text.
  void EncodeWithoutAdded(std::string_view text, std::vector<int32_t>* ids) const {
    if (normalized_tokens.empty()) return bpe.Encode(text, ids);
    normalized_tokens.Split(Normalize(text), [&](std::string_view part, int32_t id) {
      if (id != kNoId) {
        ids->push_back(id);
      } else {
        bpe.Encode(part, ids);
      }
    });
  }

  const Vocabulary vocabulary;
  const std::vector<SourceFile> files;
  const AddedTokenSplitter added_tokens;
  const AddedTokenSplitter normalized_tokens;
  const Bpe bpe;
  const std::string fingerprint;
  const std::vector<bool> special;  // by id
};

namespace {

// How many tokens are left for the text itself.
size_t Room(const EncodeOptions& options, size_t num_special) {
  GEMTUNE_CHECK(options.max_length >= 0);
  if (options.max_length == 0) return SIZE_MAX;
  const auto limit = static_cast<size_t>(options.max_length);
  if (limit < num_special) {
    Fail("a maximum length of {} tokens leaves no room for the {} special tokens: raise it", limit,
         num_special);
  }
  return limit - num_special;
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Tokenizer Tokenizer::Load(const fs::path& model) {
  const fs::path path = io::hub::FindModel(model);
  Loaded loaded = LoadAny(path);
  CheckVocabulary(loaded.vocabulary, path.string());
  return Tokenizer(std::make_shared<const State>(std::move(loaded), path.string()));
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  static const SpecialTokensTemplate kNothing = {};
  const SpecialTokensTemplate& around =
      options.add_special_tokens ? state_->vocabulary.special_tokens : kNothing;
  const size_t room = Room(options, around.single_before.size() + around.single_after.size());
  std::vector<int32_t> text_ids = state_->Encode(text);
  text_ids.resize(std::min(text_ids.size(), room));
  std::vector<int32_t> ids = around.single_before;
  Append(text_ids, &ids);
  Append(around.single_after, &ids);
  return ids;
}

std::vector<int32_t> Tokenizer::EncodePair(std::string_view text, std::string_view pair,
                                           const EncodeOptions& options) const {
  static const SpecialTokensTemplate kNothing = {};
  const SpecialTokensTemplate& around =
      options.add_special_tokens ? state_->vocabulary.special_tokens : kNothing;
  const size_t room =
      Room(options, around.pair_before.size() + around.pair_between.size() + around.pair_after.size());
  std::vector<int32_t> text_ids = state_->Encode(text);
  std::vector<int32_t> pair_ids = state_->Encode(pair);
  const auto [text_left, pair_left] = LongestFirst(text_ids.size(), pair_ids.size(), room);
  text_ids.resize(text_left);
  pair_ids.resize(pair_left);
  std::vector<int32_t> ids = around.pair_before;
  Append(text_ids, &ids);
  Append(around.pair_between, &ids);
  Append(pair_ids, &ids);
  Append(around.pair_after, &ids);
  return ids;
}

std::vector<std::vector<int32_t>> Tokenizer::EncodeBatch(std::span<const std::string_view> texts,
                                                         std::span<const std::string_view> pairs,
                                                         const EncodeOptions& options) const {
  GEMTUNE_CHECK(pairs.empty() || pairs.size() == texts.size());
  std::vector<std::vector<int32_t>> ids(texts.size());
  ParallelForEach(static_cast<int64_t>(texts.size()), [&](int64_t i) {
    ids[i] = pairs.empty() ? Encode(texts[i], options) : EncodePair(texts[i], pairs[i], options);
  });
  return ids;
}

bool Tokenizer::IsByte(int32_t id) const {
  if (id < 0 || id >= vocab_size()) Fail("token id {} is outside the vocabulary [0, {})", id, vocab_size());
  return ByteOfPiece(TokenText(state_->vocabulary, id)) != kNoId;
}

int32_t Tokenizer::FindToken(std::string_view text) const {
  for (int32_t id = 0; id < vocab_size(); ++id) {
    if (TokenText(state_->vocabulary, id) == text) return id;
  }
  return kNoId;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  std::string text, bytes;
  const auto flush = [&] {
    // One U+FFFD per byte, not per maximal subpart: the decoder falls back for the whole run of bytes.
    if (ValidUtf8Prefix(bytes) == bytes.size()) {
      text += bytes;
    } else {
      for (size_t i = 0; i < bytes.size(); ++i) text += "\xef\xbf\xbd";
    }
    bytes.clear();
  };
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size()) Fail("token id {} is outside the vocabulary [0, {})", id, vocab_size());
    if (skip_special_tokens && state_->special[id]) continue;
    const std::string& token = TokenText(state_->vocabulary, id);
    if (const int32_t byte = ByteOfPiece(token); byte != kNoId) {
      bytes += static_cast<char>(byte);
    } else {
      flush();
      text += WithSpaces(token);
    }
  }
  flush();
  return text;
}

int32_t Tokenizer::bos_id() const {
  return state_->vocabulary.bos_id;
}
int32_t Tokenizer::eos_id() const {
  return state_->vocabulary.eos_id;
}
int32_t Tokenizer::pad_id() const {
  return state_->vocabulary.pad_id;
}
int64_t Tokenizer::vocab_size() const {
  return VocabularySize(state_->vocabulary);
}
const std::optional<std::string>& Tokenizer::chat_template() const {
  return state_->vocabulary.chat_template;
}
const std::string& Tokenizer::fingerprint() const {
  return state_->fingerprint;
}

void Tokenizer::Save(const fs::path& directory) const {
  std::error_code error;
  fs::create_directories(directory, error);  // if it fails, so does writing the first file
  const Vocabulary& vocabulary = state_->vocabulary;
  std::unordered_set<std::string_view> copied;
  for (const SourceFile& file : state_->files) {
    std::string contents = ReadFile(file.path);
    if (HashOf(contents) != file.hash) {
      throw RunError(fmt::format(
          "{}: was changed after the tokenizer was loaded, and cannot be saved from it", file.path.string()));
    }
    if (file.saved_name == kTokenizerConfig) {
      contents = WithAddedTokens(std::move(contents), file.path.string(), vocabulary);
    }
    WriteFileAtomically(directory / file.saved_name, contents);
    copied.insert(file.saved_name);
  }
  const auto make = [&](const char* name, const auto& contents) {
    if (!copied.contains(name)) WriteFileAtomically(directory / name, contents());
  };
  make(kTokenizerJson, [&] { return FormatTokenizerJson(vocabulary); });
  // A tokenizer.json alone stays so: with a configuration beside it peft would resize a model to its length.
  if (!copied.contains(kTokenizerJson))
    make(kTokenizerConfig, [&] { return FormatTokenizerConfig(vocabulary); });
  make(kTokenizerModel, [&] { return EncodeModelProto(ScoresFromVocabulary(vocabulary)); });
}

void Tokenizer::AddTo(io::GgufMetadata& metadata, int64_t embedding_rows) const {
  AddGgufVocabulary(state_->vocabulary, embedding_rows, metadata);
}

}  // namespace gemtune::text
