#include "gemtune/data/row_encoder.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace {

// The tokens of a batch of rows, and which rows were cut. Rows that are too long are encoded a second time,
// because only the tokenizer knows where to cut a pair, or a text before its last special tokens.
std::vector<std::vector<int32_t>> Encode(const RowBatch& batch, int64_t max_length,
                                         const text::Tokenizer& tokenizer, std::vector<uint8_t>& truncated) {
  const std::vector<std::string_view> texts = batch.text.Views();
  const std::vector<std::string_view> pairs = batch.text_pair.Views();
  std::vector<std::vector<int32_t>> encoded = tokenizer.EncodeBatch(texts, pairs);
  std::vector<size_t> long_rows;
  std::vector<std::string_view> long_texts, long_pairs;
  for (size_t i = 0; i < encoded.size(); ++i) {
    const bool is_long = max_length > 0 && std::ssize(encoded[i]) > max_length;
    truncated.push_back(is_long ? 1 : 0);
    if (!is_long) continue;
    long_rows.push_back(i);
    long_texts.push_back(texts[i]);
    if (!pairs.empty()) long_pairs.push_back(pairs[i]);
  }
  std::vector<std::vector<int32_t>> cut =
      tokenizer.EncodeBatch(long_texts, long_pairs, {.max_length = max_length});
  for (size_t k = 0; k < cut.size(); ++k) encoded[long_rows[k]] = std::move(cut[k]);
  return encoded;
}

}  // namespace

RowEncoder::RowEncoder(const DatasetOptions& options, const text::Tokenizer& tokenizer, Examples& examples,
                       BadRows& bad)
    : options_(options), tokenizer_(tokenizer), examples_(examples), bad_(bad) {
  if (options.row_kind != RowKind::kText && options.max_length == 1)
    Fail("`max_length` 1: a language model's example has at least two tokens");
}

void RowEncoder::Add(const RowBatch& batch, const DataFile& file) {
  switch (options_.row_kind) {
    case RowKind::kText:
      return AddTexts(batch, file);
    case RowKind::kConversation:
      return AddConversations(batch, file);
    case RowKind::kDocument:
      return AddDocuments(batch);
  }
}

void RowEncoder::AddExample(std::span<const int32_t> ids, bool is_truncated) {
  examples_.ids.insert(examples_.ids.end(), ids.begin(), ids.end());
  examples_.offsets.push_back(std::ssize(examples_.ids));
  examples_.truncated.push_back(is_truncated ? 1 : 0);
}

void RowEncoder::AddTexts(const RowBatch& batch, const DataFile& file) {
  std::vector<uint8_t> truncated;
  const auto encoded = Encode(batch, options_.max_length, tokenizer_, truncated);
  for (size_t i = 0; i < encoded.size(); ++i) {
    Guard(examples_.truncated.size(), options_.on_bad_row == OnBadRow::kSkip ? &bad_ : nullptr, [&] {
      if (encoded[i].empty())
        FailRow(file.path.string(), batch.rows[i], RowFault::kNoTokens, "the text has no tokens");
    });
    AddExample(encoded[i], truncated[i] != 0);
  }
}

// A conversation that is too long is no fault of the user's: it is left out whatever on_bad_row says.
void RowEncoder::AddConversations(const RowBatch& batch, const DataFile& file) {
  const auto chats =
      text::EncodeChats(batch.conversations, tokenizer_, {.only_last_answer = options_.only_last_answer});
  for (size_t i = 0; i < chats.size(); ++i) {
    const std::span<const int32_t> ids = chats[i].ids;
    const bool is_long = options_.max_length > 0 && std::ssize(ids) > options_.max_length;
    const auto length = is_long ? static_cast<size_t>(options_.max_length) : ids.size();
    const auto targets = std::span(chats[i].is_target).first(length);
    Guard(examples_.truncated.size(), &bad_, [&] {
      if (is_long && options_.excess_length == ExcessLength::kDrop) {
        FailRow(file.path.string(), batch.rows[i], RowFault::kTooLong,
                "the conversation has {} tokens, more than `max_length` {}", ids.size(), options_.max_length);
      }
      if (std::ranges::count(targets, 1) == 0) {
        FailRow(file.path.string(), batch.rows[i], RowFault::kTooLong,
                "no answer begins within the first {} tokens (`max_length`) of {}", length, ids.size());
      }
    });
    AddExample(ids.first(length), is_long);
    examples_.is_target.insert(examples_.is_target.end(), targets.begin(), targets.end());
  }
}

void RowEncoder::AddDocuments(const RowBatch& batch) {
  const std::vector<std::string_view> texts = batch.text.Views();
  const auto encoded = tokenizer_.EncodeBatch(texts, {}, {.add_special_tokens = false});
  for (const std::vector<int32_t>& ids : encoded) {
    const bool continues = batch.is_plain_text && batch.file == document_file_;
    if (!continues) AddBlocks(/*is_end=*/true);
    document_file_ = batch.file;
    first_example_.push_back(std::ssize(examples_.truncated));
    document_.insert(document_.end(), ids.begin(), ids.end());
    AddBlocks(/*is_end=*/false);
  }
}

// Makes examples of the document's tokens so far: of all if it ends here, else of as many as fill examples.
void RowEncoder::AddBlocks(bool is_end) {
  if (document_.empty()) return;
  const int32_t bos = tokenizer_.bos_id(), eos = tokenizer_.FindToken("<eos>");
  if (is_end && eos >= 0) document_.push_back(eos);
  const size_t size = document_.size();
  const size_t room = options_.max_length == 0
                          ? std::numeric_limits<size_t>::max()
                          : static_cast<size_t>(options_.max_length - (bos >= 0 ? 1 : 0));
  size_t begin = 0;
  while (is_end ? begin < size : size - begin > room) {
    const size_t taken = std::min(room, size - begin);
    std::vector<int32_t> block(bos >= 0 ? 1 : 0, bos);
    std::ranges::copy(std::span(document_).subspan(begin, taken), std::back_inserter(block));
    begin += taken;
    if (block.size() < 2) break;  // without <bos>, nothing predicts a last token alone
    AddExample(block, /*is_truncated=*/false);
    examples_.is_target.push_back(bos >= 0 ? 0 : 1);
    examples_.is_target.insert(examples_.is_target.end(), block.size() - 1, 1);
  }
  document_.erase(document_.begin(), document_.begin() + static_cast<ptrdiff_t>(begin));
}

void RowEncoder::Finish() {
  AddBlocks(/*is_end=*/true);
  if (options_.row_kind != RowKind::kDocument) return;
  const auto size = std::ssize(examples_.truncated);
  for (SkippedRow& row : examples_.skipped) {
    const auto at = static_cast<size_t>(row.before);
    row.before = at < first_example_.size() ? first_example_[at] : size;
  }
}

}  // namespace gemtune::data
