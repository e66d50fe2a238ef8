#include "gemtune/data/parquet.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>

#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/arrow_column.h"
#include "gemtune/data/arrow_status.h"
#include "gemtune/data/file_content.h"
#include "gemtune/io/json_file.h"

namespace gemtune::data {
namespace {

using OrderedJson = nlohmann::ordered_json;

// The most memory that Arrow may use for a file at once. A page header of a few bytes can ask for 2 GB, and a
// dictionary with one long text for as much per row.
constexpr int64_t kMaxReaderBytes = int64_t{1} << 30;
constexpr int64_t kReaderBatchRows = 256;  // even rows of kMaxTextBytes each fit

// The names in {"names": [...], "_type": "ClassLabel"}, or in a list feature of it in one of the ways in
// which versions of `datasets` write that: {"feature": {...}, "_type": "Sequence" or "List"} and [{...}].
std::vector<std::string> ClassLabelNames(const OrderedJson& feature) {
  if (feature.is_array() && feature.size() == 1 && feature[0].is_object()) return ClassLabelNames(feature[0]);
  if (!feature.is_object()) return {};
  if (feature.contains("feature") && !feature.contains("names")) {
    const OrderedJson& item = feature["feature"];
    return item.is_object() && item.contains("names") ? ClassLabelNames(item) : std::vector<std::string>();
  }
  if (feature.value("_type", OrderedJson()) != "ClassLabel" || !feature.contains("names")) return {};
  std::vector<std::string> names;
  std::set<std::string> distinct;
  for (const OrderedJson& name : feature["names"]) {
    // Not as written by `datasets`, so none of it is trusted.
    if (!name.is_string() || !distinct.insert(name.get<std::string>()).second) return {};
    names.push_back(name.get<std::string>());
  }
  return names;
}

std::vector<std::string> ClassNames(const parquet::FileMetaData& metadata, const std::string& column) {
  const auto& pairs = metadata.key_value_metadata();
  if (pairs == nullptr || !pairs->Contains("huggingface")) return {};
  OrderedJson root;
  try {
    root = io::ParseJson(pairs->Get("huggingface").ValueOr(""), "huggingface");
  } catch (const Error&) {
    return {};  // the file's rows may still be valid
  }
  const OrderedJson* at = &root;
  for (const std::string& key : {std::string("info"), std::string("features"), column}) {
    if (!at->is_object() || !at->contains(key)) return {};
    at = &(*at)[key];
  }
  return ClassLabelNames(*at);
}

void AddLeaves(const parquet::arrow::SchemaField& field, std::set<int>& leaves) {
  if (field.is_leaf()) leaves.insert(field.column_index);
  for (const auto& child : field.children) AddLeaves(child, leaves);
}

class ParquetReader {
 public:
  ParquetReader(std::string path, const Columns& columns) : path_(std::move(path)), columns_(columns) {}

  FileSchema Open();

  // nullptr at the file's end.
  std::shared_ptr<arrow::RecordBatch> Next();

  void AddRows(const arrow::RecordBatch& batch, RowSink& sink);

 private:
  void CheckParquet(arrow::io::RandomAccessFile& file) const;
  void Want(const std::string& column, bool (*fits)(const arrow::DataType&), std::string_view what);
  std::string_view Text(const arrow::Array* array, int64_t i, const std::string& column) const;
  RawLabel Label(const arrow::Array* array, int64_t i, const std::string& column) const;
  std::vector<text::ChatMessage> Conversation(const arrow::RecordBatch& batch, int64_t i) const;

  std::string path_;
  const Columns& columns_;
  arrow::CappedMemoryPool pool_{arrow::default_memory_pool(), kMaxReaderBytes};  // outlives what is read
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::set<int> leaves_;  // Parquet's columns under the wanted fields
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  int64_t row_ = 1;
};

// Arrow reports any file that is not Parquet as possibly damaged.
void ParquetReader::CheckParquet(arrow::io::RandomAccessFile& file) const {
  constexpr int64_t kLooked = 256;
  const auto buffer = CheckArrow(path_, file.ReadAt(0, kLooked));
  const auto first_bytes = static_cast<std::string_view>(*buffer);
  if (!first_bytes.starts_with("PAR1")) RefuseForeignContent(path_, first_bytes);
}

FileSchema ParquetReader::Open() {
  parquet::ReaderProperties properties(&pool_);
  // Reads page by page, so that the first rows of a huge row group do not bring all of it into memory.
  properties.enable_buffered_stream();
  auto arrow_properties = parquet::default_arrow_reader_properties();
  arrow_properties.set_batch_size(kReaderBatchRows);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  const auto file = CheckArrow(path_, arrow::io::ReadableFile::Open(path_));
  CheckParquet(*file);
  CheckArrow(path_, builder.Open(file, properties));
  builder.properties(arrow_properties);
  builder.memory_pool(&pool_);
  CheckArrow(path_, builder.Build(&reader_));
  CheckArrow(path_, reader_->GetSchema(&schema_));
  if (columns_.conversation) {
    const std::vector<std::string> names = schema_->field_names();
    for (const std::string& column : columns_.Names()) {
      if (std::ranges::count(names, column) > 0)
        Want(column, IsJsonType, "text, or lists and structs of text");
    }
  }
  Want(columns_.text, IsTextType, "a string");
  Want(columns_.text_pair, IsTextType, "a string");
  Want(columns_.label, IsLabelType, "a string, an integer, a float, a bool, or a list of these");
  Want(columns_.loss_weight, IsLabelType, "a number");
  std::vector<int> row_groups(static_cast<size_t>(reader_->num_row_groups()));
  std::iota(row_groups.begin(), row_groups.end(), 0);
  batches_ = CheckArrow(
      path_, reader_->GetRecordBatchReader(row_groups, std::vector<int>(leaves_.begin(), leaves_.end())));
  return {.class_names = ClassNames(*reader_->parquet_reader()->metadata(), columns_.label)};
}

void ParquetReader::Want(const std::string& column, bool (*fits)(const arrow::DataType&),
                         std::string_view what) {
  if (column.empty()) return;
  const size_t index = FindColumn(path_, schema_->field_names(), column);
  const arrow::DataType& type = *schema_->field(static_cast<int>(index))->type();
  if (!fits(type)) {
    Fail("{}: column '{}' is of type {}; it must be {}", path_, Printable(column), Printable(type.ToString()),
         what);
  }
  AddLeaves(reader_->manifest().schema_fields.at(index), leaves_);
}

std::shared_ptr<arrow::RecordBatch> ParquetReader::Next() {
  std::shared_ptr<arrow::RecordBatch> batch;
  const arrow::Status status = batches_->ReadNext(&batch);
  if (status.IsOutOfMemory()) {
    Fail(
        "{}: takes more than {} GB for {} rows from row {} on: their texts are far too long, or it is "
        "damaged",
        path_, kMaxReaderBytes >> 30, kReaderBatchRows, row_);
  }
  CheckArrow(path_, status);
  for (int i = 0; batch != nullptr && i < batch->num_columns(); ++i) CheckArray(path_, *batch->column(i));
  return batch;
}

void ParquetReader::AddRows(const arrow::RecordBatch& batch, RowSink& sink) {
  const auto text = batch.GetColumnByName(columns_.text);
  const auto text_pair = batch.GetColumnByName(columns_.text_pair);
  const auto label = batch.GetColumnByName(columns_.label);
  const auto loss_weight = batch.GetColumnByName(columns_.loss_weight);
  for (int64_t i = 0; i < batch.num_rows() && sink.room() > 0; ++i, ++row_) {
    sink.Guard([&] {
      if (columns_.conversation) return sink.AddConversation(row_, Conversation(batch, i));
      sink.Add(row_, Text(text.get(), i, columns_.text), Text(text_pair.get(), i, columns_.text_pair),
               Label(label.get(), i, columns_.label), Label(loss_weight.get(), i, columns_.loss_weight));
    });
  }
}

std::string_view ParquetReader::Text(const arrow::Array* array, int64_t i, const std::string& column) const {
  if (column.empty()) return {};
  const std::optional<std::string_view> text = TextAt(*array, i);
  if (!text) FailRow(path_, row_, RowFault::kNull, "'{}' is null", Printable(column));
  return *text;
}

RawLabel ParquetReader::Label(const arrow::Array* array, int64_t i, const std::string& column) const {
  if (column.empty()) return {};
  std::optional<RawLabel> label;
  try {
    label = LabelAt(*array, i);
  } catch (const Error& error) {
    FailRow(path_, row_, RowFault::kBadLabel, "'{}': {}", Printable(column), error.what());
  }
  if (!label) FailRow(path_, row_, RowFault::kNull, "'{}' is null", Printable(column));
  return std::move(*label);
}

std::vector<text::ChatMessage> ParquetReader::Conversation(const arrow::RecordBatch& batch, int64_t i) const {
  nlohmann::json row = nlohmann::json::object();
  for (int column = 0; column < batch.num_columns(); ++column)
    row[batch.column_name(column)] = JsonAt(*batch.column(column), i);
  return ConversationOf(row, *columns_.conversation, schema_->field_names(), path_, row_);
}

// Handles what Arrow throws for a damaged file instead of returning a Status: ParquetException, but also
// length_error.
template <typename F>
auto Guarded(const std::string& path, F&& read) {
  try {
    return read();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    FailArrow(path, fmt::format("cannot be read: {}", error.what()));
  }
}

}  // namespace

FileSchema ReadParquet(const DataFile& file, RowSink& sink) {
  const std::string path = file.path.string();
  ParquetReader reader(path, sink.columns());
  FileSchema schema = Guarded(path, [&] { return reader.Open(); });
  while (sink.room() > 0) {
    const auto batch = Guarded(path, [&] { return reader.Next(); });
    if (batch == nullptr) break;
    reader.AddRows(*batch, sink);
  }
  return schema;
}

}  // namespace gemtune::data
