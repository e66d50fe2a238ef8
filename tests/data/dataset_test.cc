#include "gemtune/data/dataset.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "gemtune/base/file.h"
#include "gemtune/data/batcher.h"
#include "tests/data/make_dataset.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::gemtune::test::TinyTokenizer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int32_t kBos = TinyTokenizer::kBos;

int32_t Letter(char letter) {
  return TinyTokenizer::Letter(letter);
}

class DatasetTest : public test::TempDir {
 protected:
  DatasetOptions Write(const std::string& name, std::string_view contents) {
    WriteFileAtomically(dir_ / name, contents);
    return {.files = {(dir_ / name).string()}};
  }
  std::string Message(const DatasetOptions& options) {
    return MessageOf([&] { Dataset::Load(options, tokenizer_); });
  }

  text::Tokenizer tokenizer_ = TinyTokenizer().Make(dir_ / "tokenizer");
};

TEST_F(DatasetTest, LossWeightsStayWithTheirRows) {
  const std::string rows = "the cat,pos,0.5\n\"\",neg,-1\nx,pos,2\ny,neg,\nz,neg,4\n";
  DatasetOptions options = Write("a.csv", "text,label,weight\n" + rows);
  EXPECT_THAT(Dataset::Load(options, tokenizer_).loss_weights(), IsEmpty());
  options.loss_weight_column = "weight";
  EXPECT_THAT(Message(options), HasSubstr("a.csv: row 2: the loss weight is -1"));
  options.on_bad_row = OnBadRow::kSkip;
  options.cache_dir = dir_ / "cache";
  for (int reading = 0; reading < 2; ++reading) {  // the second time from the cache
    const Dataset dataset = Dataset::Load(options, tokenizer_);
    EXPECT_EQ(dataset.cache_hit().empty(), reading == 0);
    EXPECT_THAT(dataset.loss_weights(), ElementsAre(0.5f, 2, 4));
    EXPECT_THAT(Pack(dataset, {2, 0}).loss_weights, ElementsAre(4, 0.5f));
    const auto [rest, split] = dataset.Split(1, 7);
    EXPECT_EQ(rest.loss_weights().size() + split.loss_weights().size(), 3u);
  }
  options.loss_weight_column = "wieght";
  EXPECT_THAT(Message(options), HasSubstr("has no column 'wieght' (did you mean 'weight'?)"));
}

TEST_F(DatasetTest, LossWeightsComeFromEveryFormat) {
  DatasetOptions options = Write("a.jsonl", R"({"text": "x", "label": "a", "w": 2}
{"text": "y", "label": "b", "w": 0.5})");
  options.loss_weight_column = "w";
  EXPECT_THAT(Dataset::Load(options, tokenizer_).loss_weights(), ElementsAre(2, 0.5f));
  DatasetOptions wrong = Write("b.jsonl", R"({"text": "x", "label": "a", "w": "2"}
{"text": "y", "label": "b", "w": 1})");
  wrong.loss_weight_column = "w";
  EXPECT_THAT(Message(wrong), HasSubstr("b.jsonl: row 1: the loss weight is not a number"));
}

TEST_F(DatasetTest, LoadsTokensAndLabels) {
  const Dataset dataset =
      Dataset::Load(Write("a.csv", "text,label\nthe cat,pos\n\"\",neg\nx,pos\n"), tokenizer_);
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_THAT(dataset.ids(0), ElementsAre(kBos, TinyTokenizer::kPair, Letter('e'), TinyTokenizer::kSpace,
                                          Letter('c'), Letter('a'), Letter('t')));
  EXPECT_THAT(dataset.ids(1), ElementsAre(kBos));
  EXPECT_THAT(dataset.ids(2), ElementsAre(kBos, Letter('x')));
  EXPECT_EQ(dataset.tokens(), 10);
  EXPECT_EQ(dataset.length(0), 7);
  EXPECT_EQ(dataset.label_kind(), LabelKind::kSingle);
  EXPECT_THAT(dataset.labels().names, ElementsAre("neg", "pos"));
  EXPECT_EQ(dataset.label_width(), 1);
  EXPECT_THAT(dataset.label(0), ElementsAre(1));
  EXPECT_THAT(dataset.label(1), ElementsAre(0));
  EXPECT_EQ(dataset.truncated(), 0);
  EXPECT_TRUE(dataset.cache_hit().empty());
}

TEST_F(DatasetTest, LoadsPairs) {
  DatasetOptions options = Write("a.jsonl", R"({"q": "a", "p": "b", "label": 0.5})");
  options.text_column = "q";
  options.text_pair_column = "p";
  options.label_kind = LabelKind::kRegression;
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  EXPECT_THAT(dataset.ids(0), ElementsAre(kBos, Letter('a'), kBos, Letter('b')));
  EXPECT_THAT(dataset.label(0), ElementsAre(0.5f));
  EXPECT_THAT(dataset.labels().names, IsEmpty());
}

TEST_F(DatasetTest, LoadsMultiLabelAndNone) {
  DatasetOptions options =
      Write("a.jsonl", "{\"text\": \"a\", \"label\": [\"y\", \"x\"]}\n{\"text\": \"b\", \"label\": []}");
  options.label_kind = LabelKind::kMultiLabel;
  const Dataset multi_label = Dataset::Load(options, tokenizer_);
  EXPECT_THAT(multi_label.label(0), ElementsAre(1, 1));
  EXPECT_THAT(multi_label.label(1), ElementsAre(0, 0));
  options.label_kind = LabelKind::kNone;
  options.label_column = "no such column";
  const Dataset none = Dataset::Load(options, tokenizer_);
  EXPECT_EQ(none.size(), 2);
  EXPECT_EQ(none.label_width(), 0);
  EXPECT_THAT(none.label(1), IsEmpty());
}

TEST_F(DatasetTest, LoadsSeveralNumbersARow) {
  DatasetOptions options = Write("a.jsonl",
                                 "{\"text\": \"a\", \"label\": [0.5, 1]}\n{\"text\": \"b\", \"label\": [1]}\n"
                                 "{\"text\": \"c\", \"label\": [2, -3]}\n");
  options.label_kind = LabelKind::kRegression;
  EXPECT_THAT(Message(options),
              HasSubstr("a.jsonl: row 2: the label is 1 number, needed are 2, one an output"));
  options.on_bad_row = OnBadRow::kSkip;
  testing::internal::CaptureStderr();
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("skipped 1 of 3 rows (1 of no usable label)"));
  EXPECT_THAT(dataset.labels().names, ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_EQ(dataset.label_width(), 2);
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_THAT(dataset.label(0), ElementsAre(0.5f, 1));
  EXPECT_THAT(dataset.label(1), ElementsAre(2, -3));
  options.labels = LabelSet{{"LABEL_0"}};
  options.on_bad_row = OnBadRow::kError;
  EXPECT_THAT(Message(options), HasSubstr("a.jsonl: row 1: the label is 2 numbers, needed are 1"));
}

TEST_F(DatasetTest, KeepsToTheClassesGiven) {
  DatasetOptions options = Write("a.csv", "text,label\na,1\nb,1\n");
  options.labels = LabelSet{{"negative", "positive"}};
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  EXPECT_THAT(dataset.label(1), ElementsAre(1));
  EXPECT_THAT(dataset.labels().names, ElementsAre("negative", "positive"));
  options.labels = LabelSet{{"x", "y"}};
  WriteFileAtomically(dir_ / "a.csv", "text,label\na,x\nb,z\n");
  EXPECT_THAT(Message(options), HasSubstr("a.csv: row 2: label 'z' is not one of 'x', 'y'"));
}

TEST_F(DatasetTest, AddsNewClassesToThoseThatAreKnown) {
  DatasetOptions options = Write("a.csv", "text,label\na,pos\nb,new\nc,\n");
  options.known_labels = LabelSet{{"pos", "neg"}};
  options.on_bad_row = OnBadRow::kSkip;
  testing::internal::CaptureStderr();
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  testing::internal::GetCapturedStderr();
  EXPECT_THAT(dataset.labels().names, ElementsAre("pos", "neg", "new"));
  EXPECT_THAT(dataset.label(0), ElementsAre(0));
  EXPECT_THAT(dataset.label(1), ElementsAre(2));
  options.labels = options.known_labels;
  EXPECT_THROW(Dataset::Load(options, tokenizer_), std::logic_error);
}

TEST_F(DatasetTest, CutsAtTheMaximumLengthAndCounts) {
  DatasetOptions options = Write("a.csv", "text,label\nabcd,0\nabc,1\nabcde,0\n,1\n");
  options.max_length = 4;
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  EXPECT_THAT(dataset.ids(0), ElementsAre(kBos, Letter('a'), Letter('b'), Letter('c')));
  EXPECT_THAT(dataset.ids(1), ElementsAre(kBos, Letter('a'), Letter('b'), Letter('c')));
  EXPECT_THAT(dataset.ids(2), ElementsAre(kBos, Letter('a'), Letter('b'), Letter('c')));
  EXPECT_EQ(dataset.length(3), 1);
  EXPECT_EQ(dataset.truncated(), 2);
  const std::vector<int64_t> last = {2, 3};
  EXPECT_EQ(dataset.Select(last).truncated(), 1);
}

TEST_F(DatasetTest, CutsTheLongerOfAPair) {
  DatasetOptions options = Write("a.csv", "text,pair,label\nabcdef,x,0\na,x,1\n");
  options.text_pair_column = "pair";
  options.max_length = 5;
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  EXPECT_THAT(dataset.ids(0), ElementsAre(kBos, Letter('a'), Letter('b'), kBos, Letter('x')));
  EXPECT_EQ(dataset.truncated(), 1);
}

TEST_F(DatasetTest, ReadsSeveralFilesInOrderUpToTheLimit) {
  Write("a1.csv", "text,label\na,0\nb,1\n");
  Write("a2.csv", "text,label\nc,0\nd,2\n");
  DatasetOptions options{.files = {(dir_ / "a*.csv").string(), (dir_ / "a1.csv").string()}};
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  ASSERT_EQ(dataset.size(), 6);
  EXPECT_EQ(dataset.ids(3)[1], Letter('d'));
  EXPECT_EQ(dataset.ids(4)[1], Letter('a'));
  EXPECT_EQ(dataset.labels().names.size(), 3);
  options.max_samples = 3;
  EXPECT_EQ(Dataset::Load(options, tokenizer_).size(), 3);
  EXPECT_EQ(Dataset::Load(options, tokenizer_).labels().names.size(), 2);
  options.max_samples = 100;
  EXPECT_EQ(Dataset::Load(options, tokenizer_).size(), 6);
}

TEST_F(DatasetTest, ManyRowsKeepTheirLabels) {
  std::string contents = "text,label\n";
  for (int i = 0; i < 20'000; ++i) contents += fmt::format("{},{}\n", std::string(i % 50, 'a'), i % 50);
  const Dataset dataset = Dataset::Load(Write("a.csv", contents), tokenizer_);
  ASSERT_EQ(dataset.size(), 20'000);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    ASSERT_EQ(dataset.length(i), i % 50 + 1);
    ASSERT_EQ(dataset.label(i)[0], i % 50);
  }
}

// Bad for each of the reasons there are, at the ends too, and where the good ones stand among them.
TEST_F(DatasetTest, SkipsBadRowsInTheirPlaces) {
  DatasetOptions options =
      Write("a.jsonl",
            "no JSON\n{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"\"}\n"
            "{\"text\": null, \"label\": \"x\"}\n{\"text\": \"c\", \"label\": \"y\"}\n"
            "{\"text\": \"d\", \"label\": [1]}\n{\"label\": \"x\"}\n");
  EXPECT_THAT(Message(options), HasSubstr("a.jsonl: row 1: is not valid JSON"));
  options.on_bad_row = OnBadRow::kSkip;
  testing::internal::CaptureStderr();
  const Dataset dataset = Dataset::Load(options, tokenizer_);
  const std::string warning = testing::internal::GetCapturedStderr();
  EXPECT_THAT(
      warning,
      HasSubstr("a.jsonl: skipped 5 of 7 rows (1 malformed, 1 without the column, 1 null, 2 of no usable "
                "label); the first: "));
  EXPECT_EQ(std::count(warning.begin(), warning.end(), '\n'), 1);
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_THAT(dataset.ids(0), ElementsAre(kBos, Letter('a')));
  EXPECT_THAT(dataset.ids(1), ElementsAre(kBos, Letter('c')));
  EXPECT_THAT(dataset.labels().names, ElementsAre("x", "y"));
  EXPECT_THAT(dataset.label(1), ElementsAre(1));
  std::vector<std::pair<int64_t, RowFault>> skipped;
  for (const SkippedRow& row : dataset.skipped()) skipped.emplace_back(row.before, row.fault);
  EXPECT_THAT(skipped, ElementsAre(std::pair(0, RowFault::kMalformed), std::pair(1, RowFault::kBadLabel),
                                   std::pair(1, RowFault::kNull), std::pair(2, RowFault::kBadLabel),
                                   std::pair(2, RowFault::kNoColumn)));
  options.max_samples = 5;
  testing::internal::CaptureStderr();
  EXPECT_EQ(Dataset::Load(options, tokenizer_).skipped().size(), 3);
  testing::internal::GetCapturedStderr();
}

TEST_F(DatasetTest, HandsTheDelimiterOn) {
  DatasetOptions options = Write("a.csv", "text;label\na;pos\nb;neg\n");
  EXPECT_THAT(Message(options), HasSubstr("give `csv_delimiter` ';'"));
  options.csv_delimiter = ';';
  EXPECT_EQ(Dataset::Load(options, tokenizer_).size(), 2);
}

TEST_F(DatasetTest, SaysSoWhereEveryRowIsBad) {
  DatasetOptions options = Write("a.csv", "text,label\nx\ny\n");
  options.on_bad_row = OnBadRow::kSkip;
  EXPECT_THAT(Message(options), HasSubstr("a.csv: none of 2 rows can be used; the first: "));
}

TEST_F(DatasetTest, RefusesWhatCannotBeTrainedOn) {
  EXPECT_THAT(Message({}), HasSubstr("no data file is given"));
  EXPECT_THAT(Message(Write("a.csv", "text,label\n")), HasSubstr("a.csv: no rows"));
  EXPECT_THAT(Message(Write("a.jsonl", "")), HasSubstr("a.jsonl: no rows"));
  EXPECT_THAT(Message(Write("a.json", "[]")), HasSubstr("a.json: no rows"));
  EXPECT_THAT(Message(Write("a.csv", "text,label\na,0\nb,0\n")),
              HasSubstr("a.csv: the only class is 'LABEL_0'"));
  EXPECT_THAT(Message(Write("a.csv", "text,label\na,0\nb,\n")),
              HasSubstr("a.csv: row 2: the label is empty"));
  EXPECT_THAT(Message(Write("a.csv", "txt,label\na,0\n")), HasSubstr("a.csv: has no column 'text'"));
}

TEST_F(DatasetTest, RefusesATextWithoutTokens) {
  tokenizer_ = TinyTokenizer{.bos = false}.Make(dir_ / "no_bos");
  EXPECT_THAT(Message(Write("a.csv", "text,label\na,0\n\"\",1\n")),
              HasSubstr("a.csv: row 2: the text has no tokens"));
}

// The data that the repository ships and its documentation uses.
TEST_F(DatasetTest, LoadsTheSampleData) {
  for (const auto& [name, size] :
       {std::pair("train", 1000), std::pair("validation", 500), std::pair("test", 500)}) {
    DatasetOptions options;
    options.files = {fmt::format(GEMTUNE_SOURCE_DIR "/data/imdb-sample/{}.parquet", name)};
    const Dataset dataset = Dataset::Load(options, tokenizer_);
    ASSERT_EQ(dataset.size(), size);
    EXPECT_THAT(dataset.labels().names, ElementsAre("negative", "positive"));
    double positive = 0;
    for (int64_t i = 0; i < dataset.size(); ++i) positive += dataset.label(i)[0];
    EXPECT_EQ(positive, size / 2);
  }
}

TEST(Dataset, ChecksWhatItIsMadeOf) {
  EXPECT_EQ(Dataset(Examples{}).size(), 0);
  Examples examples;
  examples.ids = {1, 2, 3};
  EXPECT_THROW(Dataset{examples}, std::logic_error);
  examples.offsets = {0, 2, 1, 3};
  examples.truncated = {0, 0, 0};
  EXPECT_THROW(Dataset{examples}, std::logic_error);
  examples.offsets = {0, 1, 2, 3};
  EXPECT_NO_THROW(Dataset{examples});
  examples.is_target = {0, 1};
  EXPECT_THROW(Dataset{examples}, std::logic_error);
  examples.is_target = {0, 1, 1};
  EXPECT_NO_THROW(Dataset{examples});
  examples.label_kind = LabelKind::kRegression;
  EXPECT_THROW(Dataset{examples}, std::logic_error);
  EXPECT_ANY_THROW(Dataset(Examples{}).ids(0));
  EXPECT_ANY_THROW(Dataset(Examples{}).label(0));
}

TEST(Dataset, SelectsInTheOrderGiven) {
  const Dataset dataset = MakeDataset({1, 2, 3, 4});
  const std::vector<int64_t> indices = {3, 0, 3};
  const Dataset selected = dataset.Select(indices);
  ASSERT_EQ(selected.size(), 3);
  EXPECT_THAT(selected.ids(0), ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(selected.ids(1), ElementsAre(0));
  EXPECT_THAT(selected.label(2), ElementsAre(0));
  EXPECT_EQ(selected.truncated(), 2);
  EXPECT_EQ(selected.labels().names, dataset.labels().names);
  EXPECT_EQ(dataset.Select({}).size(), 0);
  const std::vector<int64_t> wrong = {4};
  EXPECT_ANY_THROW(dataset.Select(wrong));
}

TEST(Dataset, SelectsTargetsWithTheirTokens) {
  const Dataset dataset(
      {.ids = {2, 10, 2, 20, 21}, .offsets = {0, 2, 5}, .truncated = {0, 0}, .is_target = {0, 1, 0, 0, 1}});
  EXPECT_THAT(dataset.is_target(0), ElementsAre(0, 1));
  const std::vector<int64_t> indices = {1, 0};
  const Dataset selected = dataset.Select(indices);
  EXPECT_THAT(selected.is_target(0), ElementsAre(0, 0, 1));
  EXPECT_THAT(selected.is_target(1), ElementsAre(0, 1));
  EXPECT_TRUE(MakeDataset({3}).is_target(0).empty());
}

// The example's number, which MakeDataset makes its tokens of.
std::vector<int64_t> Numbers(const Dataset& dataset) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < dataset.size(); ++i) numbers.push_back(dataset.ids(i)[0]);
  return numbers;
}

TEST(Split, EveryExampleIsInOnePartInItsOrder) {
  const Dataset dataset = MakeDataset(std::vector<int64_t>(1000, 2));
  for (const double fraction : {0.001, 0.1, 0.5, 0.999, 1.0, 300.0, 999.0}) {
    const auto [rest, split] = dataset.Split(fraction, 7);
    EXPECT_EQ(split.size(), fraction < 1 ? std::llround(fraction * 1000) : std::llround(fraction));
    const std::vector<int64_t> first = Numbers(rest), second = Numbers(split);
    EXPECT_TRUE(std::is_sorted(first.begin(), first.end()) && std::is_sorted(second.begin(), second.end()));
    std::set<int64_t> all(first.begin(), first.end());
    all.insert(second.begin(), second.end());
    EXPECT_EQ(all.size(), 1000);
    EXPECT_EQ(first.size() + second.size(), 1000);
  }
}

TEST(Split, FollowsFromTheSeed) {
  const Dataset dataset = MakeDataset(std::vector<int64_t>(100, 1));
  EXPECT_EQ(Numbers(dataset.Split(0.1, 1).second), Numbers(dataset.Split(0.1, 1).second));
  EXPECT_NE(Numbers(dataset.Split(0.1, 1).second), Numbers(dataset.Split(0.1, 2).second));
  // Frozen: the same on every machine. From golden/generate_shuffle.py.
  EXPECT_THAT(Numbers(dataset.Split(0.1, 42).second), ElementsAre(2, 12, 21, 43, 48, 63, 67, 71, 82, 99));
}

TEST(Split, RefusesAnEmptyPart) {
  const Dataset dataset = MakeDataset({1, 1, 1});
  for (const double fraction : {0.0, 0.1, 0.9, 3.0, -1.0, 1.5, std::nan("")}) {
    EXPECT_THAT(MessageOf([&] { dataset.Split(fraction, 1); }), HasSubstr("off 3 examples")) << fraction;
  }
}

TEST(DatasetFingerprint, IsOfTargets) {
  const auto print = [](std::vector<uint8_t> is_target) {
    return Dataset({.ids = {2, 5}, .offsets = {0, 2}, .truncated = {0}, .is_target = std::move(is_target)})
        .Fingerprint();
  };
  EXPECT_NE(print({0, 1}), print({1, 1}));
  EXPECT_NE(print({1, 1}), print({}));
}

TEST(DatasetFingerprint, IsOfTokensLabelsAndNames) {
  const auto print = [](int32_t token, float label, const std::string& name) {
    return Dataset({.ids = {2, token, 2},
                    .offsets = {0, 2, 3},
                    .truncated = {0, 0},
                    .label_values = {0, label},
                    .label_kind = LabelKind::kSingle,
                    .labels = {{"a", name}}})
        .Fingerprint();
  };
  EXPECT_EQ(print(5, 1, "b"), print(5, 1, "b"));
  EXPECT_NE(print(5, 1, "b"), print(6, 1, "b"));
  EXPECT_NE(print(5, 1, "b"), print(5, 0, "b"));
  EXPECT_NE(print(5, 1, "b"), print(5, 1, "c"));
}

}  // namespace
}  // namespace gemtune::data
