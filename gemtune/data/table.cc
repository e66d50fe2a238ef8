#include "gemtune/data/table.h"

#include "gemtune/base/error.h"
#include "gemtune/data/csv.h"
#include "gemtune/data/json_lines.h"
#include "gemtune/data/parquet.h"
#include "gemtune/data/plain_text.h"
#include "gemtune/data/row_sink.h"

namespace gemtune::data {

std::vector<std::string> Columns::Names() const {
  if (conversation) return ConversationCandidates(*conversation);
  std::vector<std::string> names;
  for (const std::string& name : {text, text_pair, label, loss_weight}) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

void TextColumn::Append(std::string_view text) {
  bytes_ += text;
  ends_.push_back(bytes_.size());
}

std::vector<std::string_view> TextColumn::Views() const {
  std::vector<std::string_view> views;
  views.reserve(ends_.size());
  size_t begin = 0;
  for (const size_t end : ends_) {
    views.push_back(std::string_view(bytes_).substr(begin, end - begin));
    begin = end;
  }
  return views;
}

std::vector<FileSchema> ReadTable(const std::vector<DataFile>& files, const Columns& columns,
                                  int64_t max_rows, const std::function<void(RowBatch&)>& consume,
                                  const TableOptions& options) {
  RowSink sink(columns, max_rows, consume, options.bad_row);
  const auto delimiter_or = [&](char usual) {
    return options.csv_delimiter == '\0' ? usual : options.csv_delimiter;
  };
  std::vector<FileSchema> schemas;
  for (size_t i = 0; i < files.size() && sink.room() > 0; ++i) {
    sink.StartFile(i, files[i]);
    FileSchema& schema = schemas.emplace_back();
    switch (files[i].format) {
      case FileFormat::kParquet:
        schema = ReadParquet(files[i], sink);
        break;
      case FileFormat::kCsv:
        ReadCsv(files[i], delimiter_or(','), sink);
        break;
      case FileFormat::kTsv:
        ReadCsv(files[i], delimiter_or('\t'), sink);
        break;
      case FileFormat::kJsonLines:
        ReadJsonLines(files[i], sink);
        break;
      case FileFormat::kPlainText:
        ReadPlainText(files[i], sink);
        break;
    }
    sink.Flush();
  }
  return schemas;
}

}  // namespace gemtune::data
