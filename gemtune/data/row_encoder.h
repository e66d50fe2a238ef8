#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemtune/data/bad_row.h"
#include "gemtune/data/dataset.h"
#include "gemtune/data/table.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

/// Turns the rows of a data set into examples, as options.row_kind says:
///  - kText: one example a row, of text and pair, cut at max_length;
///  - kConversation: one example a row (text::EncodeChat). One that is longer than max_length is cut at its
///    end or, with ExcessLength::kDrop, left out; so is one of which no target is left;
///  - kDocument: <bos> document <eos> (the token of that name: an instruction-tuned model's tokenizer may
///  call
///    <end_of_turn> its end of sequence), and what is longer than max_length as several examples, each of
///    which begins with <bos>. Every token but <bos> is a target. The rows of a file of plain text are one
///    document; an empty document is no example.
class RowEncoder {
 public:
  /// Appends to `examples`. `bad` receives the rows that are left out, by the indices of their examples,
  /// which are there until the caller removes them; with OnBadRow::kError a bad row is a RowError instead.
  /// All arguments must outlive this. Throws Error for a max_length that leaves no room.
  RowEncoder(const DatasetOptions& options, const text::Tokenizer& tokenizer, Examples& examples,
             BadRows& bad);

  void Add(const RowBatch& batch, const DataFile& file);

  /// To be called after the last row. From then on SkippedRow::before counts examples also where they are not
  /// the rows.
  void Finish();

 private:
  void AddTexts(const RowBatch& batch, const DataFile& file);
  void AddConversations(const RowBatch& batch, const DataFile& file);
  void AddDocuments(const RowBatch& batch);
  void AddBlocks(bool is_end);
  void AddExample(std::span<const int32_t> ids, bool is_truncated);

  const DatasetOptions& options_;
  const text::Tokenizer& tokenizer_;
  Examples& examples_;
  BadRows& bad_;
  std::vector<int32_t> document_;       // the tokens so far of one that may go on
  size_t document_file_ = 0;            // where it is from
  std::vector<int64_t> first_example_;  // of each row of documents
};

}  // namespace gemtune::data
