#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::io {
class GgufMetadata;
}

namespace gemtune::text {

struct EncodeOptions {
  bool add_special_tokens = true;  // <bos> (and <eos>) as the tokenizer's configuration says
  int64_t max_length = 0;          // tokens, including special ones; the right end is cut. 0: no limit
};

/// Gemma 3's tokenizer: text → ids exactly as Hugging Face's fast tokenizer of the same checkpoint.
///
/// Added tokens (<start_of_turn>, runs of newlines, ...) are found first, leftmost and longest, with their
/// flags (AddedToken); the text between them goes through SentencePiece's BPE. Invalid UTF-8 is read as
/// U+FFFD. Immutable after Load; all methods may be called from several threads at once.
class Tokenizer {
 public:
  /// From a directory (tokenizer.json, else tokenizer.model, with tokenizer_config.json and
  /// chat_template.jinja), from one of these files, which also uses the others beside it, or from a GGUF
  /// file's metadata; by path, or by a name in Hugging Face's cache. Throws Error naming the file and what is
  /// wrong.
  static Tokenizer Load(const std::filesystem::path& model);

  /// Throws Error if max_length leaves no room for the special tokens.
  std::vector<int32_t> Encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// Two texts as one example: <bos> text <bos> pair, as in tokenizer.json's pair template. If it is too
  /// long, the longer of the two is cut first ("longest_first" in transformers). An empty text still counts
  /// as one, as in transformers' batches.
  std::vector<int32_t> EncodePair(std::string_view text, std::string_view pair,
                                  const EncodeOptions& options = {}) const;

  /// Encode for many texts on all threads, results in order. `pairs` is empty or as long as `texts`.
  std::vector<std::vector<int32_t>> EncodeBatch(std::span<const std::string_view> texts,
                                                std::span<const std::string_view> pairs,
                                                const EncodeOptions& options = {}) const;

  /// As Hugging Face's decode(skip_special_tokens=...). Ids out of range throw Error.
  std::string Decode(std::span<const int32_t> ids, bool skip_special_tokens) const;

  /// Whether the token is one byte of a text ("<0x0A>"), perhaps a part of a character. Ids out of range
  /// throw Error.
  bool IsByte(int32_t id) const;

  /// The id of the token whose text this is, as it stands in the vocabulary; -1 if there is none.
  int32_t FindToken(std::string_view text) const;

  /// -1 if the tokenizer has no such token.
  int32_t bos_id() const;
  int32_t eos_id() const;
  int32_t pad_id() const;

  /// Largest id plus one, including added tokens (262,145 with <image_soft_token>).
  int64_t vocab_size() const;

  /// The Jinja text of the chat template, if the tokenizer has one.
  const std::optional<std::string>& chat_template() const;

  /// Writes tokenizer.json and tokenizer_config.json, which Hugging Face loads with the same ids, and
  /// tokenizer.model, without which llama.cpp's convert_hf_to_gguf.py would take another kind of vocabulary.
  /// Files loaded from a directory are copied unchanged, with the tokenizer's other files, but for
  /// WithAddedTokens; those that are not there are generated. Throws RunError if writing fails or a file has
  /// changed since it was loaded.
  void Save(const std::filesystem::path& directory) const;

  /// Adds the vocabulary to the metadata of a GGUF file, see AddGgufVocabulary.
  void AddTo(io::GgufMetadata& metadata, int64_t embedding_rows) const;

  /// Equal for tokenizers that give the same ids for every text, whatever their chat templates: the key of
  /// the token cache.
  const std::string& fingerprint() const;

 private:
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace gemtune::text
