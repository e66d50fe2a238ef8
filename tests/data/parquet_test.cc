#include "gemtune/data/parquet.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>

#include <fstream>

#include "gemtune/base/file.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Made by golden/generate_tables.py.
DataFile Golden(const std::string& name) {
  return FileOfPath(GEMTUNE_SOURCE_DIR "/tests/data/golden/" + name);
}

std::vector<RawLabel> Labels(const std::string& column) {
  std::vector<RawLabel> labels;
  for (const Row& row : ReadRows({Golden("types.parquet")}, Named("text", column))) {
    labels.push_back(row.label);
  }
  return labels;
}

std::string Message(const Columns& columns) {
  return MessageOf([&] { ReadRows({Golden("types.parquet")}, columns); });
}

using List = std::vector<RawClass>;
using ParquetTest = test::TempDir;

TEST(Parquet, ReadsTextInEveryLayout) {
  for (const char* column : {"text", "large_text", "view_text", "dictionary_text", "binary_text"}) {
    const std::vector<Row> rows = ReadRows({Golden("types.parquet")}, Named(column, "", "text"));
    EXPECT_THAT(rows, ElementsAre(Row{0, 1, "one", "one", RawLabel()},
                                  Row{0, 2, "zwei \xc3\xbc", "zwei \xc3\xbc", RawLabel()},
                                  Row{0, 3, "", "", RawLabel()}))
        << column;
  }
}

TEST(Parquet, ReadsLabelsOfEveryType) {
  for (const char* bits : {"8", "16", "32", "64"}) {
    EXPECT_THAT(Labels(std::string("int") + bits), ElementsAre(int64_t{-1}, int64_t{0}, int64_t{1}));
    EXPECT_THAT(Labels(std::string("uint") + bits), ElementsAre(int64_t{0}, int64_t{1}, int64_t{2}));
  }
  EXPECT_THAT(Labels("bool"), ElementsAre(false, true, true));
  EXPECT_THAT(Labels("float"), ElementsAre(0.5, 1.0, -2.0));
  EXPECT_THAT(Labels("double"), ElementsAre(0.1, 1.0, -2.0));
  EXPECT_THAT(Labels("string"), ElementsAre("b", "a", "b"));
  EXPECT_THAT(Labels("dictionary"), ElementsAre("b", "a", "b"));
  const auto ids = ElementsAre(List{int64_t{0}, int64_t{2}}, List{}, List{int64_t{1}});
  EXPECT_THAT(Labels("list_int64"), ids);
  EXPECT_THAT(Labels("large_list_uint8"), ids);
  EXPECT_THAT(Labels("list_double"), ElementsAre(List{0.0}, List{}, List{1.0}));
  EXPECT_THAT(Labels("list_string"), ElementsAre(List{"a"}, List{}, List{"b", "a"}));
  EXPECT_THAT(
      Labels("fixed_list_int32"),
      ElementsAre(List{int64_t{0}, int64_t{1}}, List{int64_t{1}, int64_t{2}}, List{int64_t{2}, int64_t{0}}));
}

TEST(Parquet, RefusesOtherTypesByName) {
  EXPECT_THAT(Message(Named("int64")),
              HasSubstr("types.parquet: column 'int64' is of type int64; it must be a string"));
  for (const char* column : {"decimal", "timestamp", "struct", "nulls"}) {
    EXPECT_THAT(Message(Named(column)), HasSubstr(fmt::format("column '{}' is of type ", column)));
    EXPECT_THAT(Message(Named("text", column)), HasSubstr(fmt::format("column '{}' is of type ", column)));
  }
  EXPECT_THAT(Message(Named("list_double")), HasSubstr("column 'list_double' is of type list<"));
  EXPECT_THAT(
      Message(Named("text", "decimal")),
      HasSubstr("of type decimal128(10, 2); it must be a string, an integer, a float, a bool, or a list of "
                "these"));
}

TEST(Parquet, RefusesNullsAndWhatDoesNotFitWithTheRow) {
  EXPECT_THAT(Message(Named("null_text")), HasSubstr("types.parquet: row 2: 'null_text' is null"));
  EXPECT_THAT(Message(Named("text", "", "null_text")), HasSubstr("row 2: 'null_text' is null"));
  EXPECT_THAT(Message(Named("text", "null_label")), HasSubstr("row 3: 'null_label' is null"));
  EXPECT_THAT(Message(Named("text", "null_item")), HasSubstr("row 2: 'null_item' is null"));
  EXPECT_THAT(Message(Named("latin1_text")), HasSubstr("row 2: 'latin1_text' is not valid UTF-8"));
  EXPECT_THAT(Message(Named("text", "uint64_large")),
              HasSubstr("row 3: 'uint64_large': 9223372036854775808 is too large"));
}

TEST(Parquet, RefusesColumnsThatAreMissingOrThereTwice) {
  EXPECT_THAT(Message(Named("txt")),
              AllOf(HasSubstr("types.parquet: has no column 'txt' (did you mean 'text'?)"),
                    HasSubstr("'large_text'")));
  EXPECT_THAT(MessageOf([] { ReadRows({Golden("duplicate.parquet")}, kTextAndLabel); }),
              HasSubstr("duplicate.parquet: has more than one column 'label'"));
  EXPECT_EQ(ReadRows({Golden("duplicate.parquet")}, Named("text")).size(), 1);
}

TEST(Parquet, ReadsTheNamesOfAClassLabel) {
  const auto names = [](const char* column) {
    return ReadTable({Golden("class_label.parquet")}, Named("text", column), 0, [](RowBatch&) {})
        .at(0)
        .class_names;
  };
  for (const char* column : {"label", "sequence", "list", "old_list"}) {
    EXPECT_THAT(names(column), ElementsAre("negative", "positive")) << column;
  }
  for (const char* column : {"plain", "twice", ""}) EXPECT_THAT(names(column), IsEmpty()) << column;
}

TEST(Parquet, ReadsRowGroupsInOrderUpToTheLimit) {
  const std::vector<Row> all = ReadRows({Golden("row_groups.parquet")}, kTextAndLabel);
  ASSERT_EQ(all.size(), 3000);
  for (int64_t i = 1; i <= 3000; ++i) {
    ASSERT_EQ(all[static_cast<size_t>(i) - 1], (Row{0, i, fmt::format("row {}", i), "", i}));
  }
  for (const int64_t limit : {1, 699, 700, 701, 1024, 2999, 3000}) {
    const std::vector<Row> rows = ReadRows({Golden("row_groups.parquet")}, kTextAndLabel, limit);
    ASSERT_EQ(std::ssize(rows), limit);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), all.begin()));
  }
}

TEST_F(ParquetTest, RefusesWhatIsNoParquetFile) {
  const auto message = [&](std::string_view contents) {
    WriteFileAtomically(dir_ / "a.parquet", contents);
    return MessageOf([&] { ReadRows({FileOfPath(dir_ / "a.parquet")}, kTextAndLabel); });
  };
  for (const char* contents : {"", "text,label\nx,0\n", "PAR1", "PAR1PAR1", "PAR1\xff\xff\xff\x7fPAR1"}) {
    EXPECT_THAT(message(contents), HasSubstr("a.parquet: ")) << contents;
  }
  const std::string whole = ReadFile(Golden("row_groups.parquet").path);
  for (size_t size = 0; size < whole.size(); size += 101) {
    EXPECT_THAT(message(whole.substr(0, size)), HasSubstr("a.parquet: ")) << size;
  }
}

// A few kilobytes of file, 4 GB of rows.
TEST_F(ParquetTest, ADictionaryOfOneLongTextDoesNotFillTheMemory) {
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append(std::string(size_t{16} << 20, 'x')).ok());
  const auto texts = builder.Finish().ValueOrDie();
  const auto indices = arrow::MakeArrayFromScalar(arrow::Int32Scalar(0), 256).ValueOrDie();
  const auto column = arrow::DictionaryArray::FromArrays(indices, texts).ValueOrDie();
  const auto schema = arrow::schema({arrow::field("text", column->type())});
  const auto out = arrow::io::FileOutputStream::Open(dir_ / "a.parquet").ValueOrDie();
  const auto properties =
      parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build();
  ASSERT_TRUE(parquet::arrow::WriteTable(*arrow::Table::Make(schema, {column}), arrow::default_memory_pool(),
                                         out, 256, properties, parquet::default_arrow_writer_properties())
                  .ok());
  ASSERT_TRUE(out->Close().ok());
  EXPECT_LT(std::filesystem::file_size(dir_ / "a.parquet"), 100'000);
  EXPECT_THAT(MessageOf([&] { ReadRows({FileOfPath(dir_ / "a.parquet")}, Named("text")); }),
              HasSubstr("a.parquet: takes more than 1 GB for 256 rows from row 1 on"));
}

TEST(Parquet, SkipsNullsAndBytesThatAreNoText) {
  std::vector<std::string> bad;
  EXPECT_EQ(ReadRows({Golden("types.parquet")}, Named("latin1_text", "null_label"), 0, &bad).size(), 1);
  EXPECT_THAT(bad, ElementsAre(HasSubstr("types.parquet: row 2: 'latin1_text' is not valid UTF-8"),
                               HasSubstr("types.parquet: row 3: 'null_label' is null")));
}

// Any byte may be wrong: an Error or other rows, but nothing else.
TEST_F(ParquetTest, SurvivesDamagedBytes) {
  const std::string whole = ReadFile(Golden("types.parquet").path);
  const DataFile file = FileOfPath(dir_ / "a.parquet");
  int refused = 0;
  for (size_t at = 0; at < whole.size(); at += 37) {
    for (const char damage : {'\xff', '\x01'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ damage);
      std::ofstream(file.path, std::ios::binary) << damaged;
      for (const char* label : {"int64", "list_string", "dictionary"}) {
        try {
          ReadRows({file}, Named("view_text", label, "dictionary_text"));
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("a.parquet: "));
          ++refused;
        }
      }
    }
  }
  EXPECT_GT(refused, 50);
}

TEST_F(ParquetTest, SaysWhatIsThereInstead) {
  const auto message = [&](const std::string& contents) {
    WriteFileAtomically(dir_ / "a.parquet", contents);
    return MessageOf([&] { ReadRows({FileOfPath(dir_ / "a.parquet")}, Named("text")); });
  };
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
              HasSubstr("a.parquet: is a Git LFS pointer and not the file itself"));
  EXPECT_THAT(message("<!doctype html><html></html>"), HasSubstr("a.parquet: is a web page (HTML)"));
  EXPECT_THAT(message("PAR1\x15"), HasSubstr("a.parquet: "));
  EXPECT_THAT(message(""), HasSubstr("a.parquet: "));
}

}  // namespace
}  // namespace gemtune::data
