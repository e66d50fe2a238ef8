#include "gemtune/data/row_sink.h"

#include <arrow/util/utf8.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace {

// Large enough to keep many threads tokenising, small beside the model.
constexpr int64_t kBatchRows = 8192;
constexpr int64_t kBatchBytes = int64_t{32} << 20;

constexpr size_t kMaxClasses = size_t{1} << 16;  // of one row

}  // namespace

RowSink::RowSink(Columns columns, int64_t max_rows, std::function<void(RowBatch&)> consume,
                 TakeBadRow bad_row)
    : columns_(std::move(columns)),
      names_(columns_.Names()),
      max_rows_(max_rows > 0 ? max_rows : std::numeric_limits<int64_t>::max()),
      consume_(std::move(consume)),
      bad_row_(std::move(bad_row)) {
  arrow::util::InitializeUTF8();
}

void RowSink::StartFile(size_t index, const DataFile& file) {
  path_ = file.path.string();
  batch_.file = index;
  batch_.is_plain_text = file.format == FileFormat::kPlainText;
}

void RowSink::CheckText(int64_t row, std::string_view text, const std::string& column) const {
  if (text.size() > kMaxTextBytes) {
    FailRow(path_, row, RowFault::kTooLong,
            "'{}' has {:.1f} MB of text, more than {} MB; cut it or leave it out", Printable(column),
            static_cast<double>(text.size()) / 1e6, kMaxTextBytes / 1'000'000);
  }
  if (arrow::util::ValidateUTF8(text)) return;
  FailRow(path_, row, RowFault::kNotUtf8, "'{}' is not valid UTF-8; convert the file to UTF-8",
          Printable(column));
}

void RowSink::CheckLabel(int64_t row, const RawLabel& label) const {
  if (const auto* name = std::get_if<std::string>(&label)) CheckText(row, *name, columns_.label);
  if (const auto* field = std::get_if<CsvField>(&label)) CheckText(row, field->text, columns_.label);
  if (const auto* list = std::get_if<std::vector<RawClass>>(&label)) {
    if (list->size() > kMaxClasses) {
      FailRow(path_, row, RowFault::kTooLong, "'{}' is a list of {} labels, more than {}",
              Printable(columns_.label), list->size(), kMaxClasses);
    }
    for (const RawClass& item : *list) {
      if (const auto* name = std::get_if<std::string>(&item)) CheckText(row, *name, columns_.label);
    }
  }
}

void RowSink::Add(int64_t row, std::string_view text, std::string_view text_pair, RawLabel label,
                  RawLabel loss_weight) {
  CheckText(row, text, columns_.text);
  if (!columns_.text_pair.empty()) CheckText(row, text_pair, columns_.text_pair);
  if (!columns_.label.empty()) CheckLabel(row, label);
  batch_.text.Append(text);
  if (!columns_.text_pair.empty()) batch_.text_pair.Append(text_pair);
  if (!columns_.label.empty()) batch_.labels.push_back(std::move(label));
  if (!columns_.loss_weight.empty()) batch_.loss_weights.push_back(std::move(loss_weight));
  CountRow(row, std::ssize(text) + std::ssize(text_pair));
}

void RowSink::AddConversation(int64_t row, std::vector<text::ChatMessage> messages) {
  int64_t bytes = 0;
  for (const text::ChatMessage& message : messages) {
    CheckText(row, message.content, message.role);
    bytes += std::ssize(message.content);
  }
  if (bytes > static_cast<int64_t>(kMaxTextBytes)) {
    FailRow(path_, row, RowFault::kTooLong, "the conversation has {:.1f} MB of text, more than {} MB; cut it",
            static_cast<double>(bytes) / 1e6, kMaxTextBytes / 1'000'000);
  }
  batch_.conversations.push_back(std::move(messages));
  CountRow(row, bytes);
}

void RowSink::CountRow(int64_t row, int64_t bytes) {
  batch_.rows.push_back(row);
  ++num_rows_;
  batch_bytes_ += bytes;
  if (std::ssize(batch_.rows) >= kBatchRows || batch_bytes_ >= kBatchBytes) Flush();
}

void RowSink::Skip(const RowError& error) {
  if (!skips()) throw error;
  bad_row_(error, num_rows_);
  ++num_bad_rows_;
}

void RowSink::Flush() {
  if (!batch_.rows.empty()) consume_(batch_);
  batch_ = RowBatch{.file = batch_.file, .is_plain_text = batch_.is_plain_text};
  batch_bytes_ = 0;
}

size_t FindColumn(const std::string& path, const std::vector<std::string>& names, const std::string& wanted) {
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end()) {
    Fail("{}: has no column '{}'{}; it has {}", path, Printable(wanted), DidYouMean(wanted, names),
         names.empty() ? "none" : Listed(names));
  }
  if (std::find(found + 1, names.end(), wanted) != names.end()) {
    Fail("{}: has more than one column '{}'; rename one", path, Printable(wanted));
  }
  return static_cast<size_t>(found - names.begin());
}

}  // namespace gemtune::data
