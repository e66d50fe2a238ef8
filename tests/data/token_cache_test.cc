#include "gemtune/data/token_cache.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "gemtune/base/file.h"
#include "gemtune/io/safetensors.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::data {
namespace {

namespace fs = std::filesystem;
using ::gemtune::test::MessageOf;
using ::gemtune::test::TinyTokenizer;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

class TokenCacheTest : public test::TempDir {
 protected:
  TokenCacheTest() {
    options_.files = {(dir_ / "a.csv").string()};
    options_.cache_dir = dir_ / "cache" / "tokens";
    Write("a.csv", "text,label\nthe cat,pos\ndog,neg\nbird,pos\n");
  }
  void Write(const std::string& name, std::string_view contents) {
    WriteFileAtomically(dir_ / name, contents);
  }

  Dataset Load() { return Dataset::Load(options_, tokenizer_); }
  bool Hits() { return !Load().cache_hit().empty(); }
  std::string KeyOf(const DatasetOptions& options) {
    return TokenCache(options, ListFiles(options.files), tokenizer_).path().filename().string();
  }
  fs::path Entry() { return TokenCache(options_, ListFiles(options_.files), tokenizer_).path(); }

  // What is warned of while Load makes the entry afresh.
  std::string WarningOfLoad() {
    testing::internal::CaptureStderr();
    EXPECT_FALSE(Hits());
    return testing::internal::GetCapturedStderr();
  }

  DatasetOptions options_;
  text::Tokenizer tokenizer_ = TinyTokenizer().Make(dir_ / "tokenizer");
};

void ExpectEqual(const Dataset& a, const Dataset& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a.labels().names, b.labels().names);
  EXPECT_EQ(a.label_kind(), b.label_kind());
  EXPECT_EQ(a.truncated(), b.truncated());
  for (int64_t i = 0; i < a.size(); ++i) {
    EXPECT_THAT(a.ids(i), ElementsAreArray(b.ids(i)));
    EXPECT_THAT(a.label(i), ElementsAreArray(b.label(i)));
  }
}

TEST_F(TokenCacheTest, TheSecondLoadIsTheFirst) {
  for (const LabelKind kind : {LabelKind::kSingle, LabelKind::kNone}) {
    options_.label_kind = kind;
    options_.max_length = 5;
    const Dataset made = Load();
    EXPECT_TRUE(made.cache_hit().empty());
    const Dataset cached = Load();
    EXPECT_EQ(cached.cache_hit(), Entry());
    ExpectEqual(made, cached);
  }
}

TEST_F(TokenCacheTest, KeepsMultiLabelAndRegression) {
  Write("b.jsonl", "{\"text\": \"a\", \"label\": [\"y\", \"\xc3\xa4\"]}\n{\"text\": \"b\", \"label\": []}");
  options_.files = {(dir_ / "b.jsonl").string()};
  options_.label_kind = LabelKind::kMultiLabel;
  const Dataset multi_label = Load();
  ExpectEqual(multi_label, Load());
  EXPECT_TRUE(Hits());
  options_.label_kind = LabelKind::kRegression;
  for (const char* label : {"-0.25", "[-0.25, 2]"}) {
    Write("b.jsonl", fmt::format(R"({{"text": "a", "label": {}}})", label));
    const Dataset regression = Load();
    ExpectEqual(regression, Load());
    EXPECT_TRUE(Hits());
  }
}

TEST_F(TokenCacheTest, FilesCountByContentAndNotByName) {
  Load();
  fs::rename(dir_ / "a.csv", dir_ / "b.csv");
  options_.files = {(dir_ / "b.csv").string()};
  EXPECT_TRUE(Hits());
  Write("b.csv", "text,label\nthe cat,pos\ndog,neg\nbird,neg\n");
  EXPECT_FALSE(Hits());
  fs::rename(dir_ / "b.csv", dir_ / "b.tsv");
  options_.files = {(dir_ / "b.tsv").string()};
  EXPECT_THAT(MessageOf([&] { Load(); }), HasSubstr("has no column"));
}

TEST_F(TokenCacheTest, EveryOptionThatChangesTheResultChangesTheKey) {
  std::set<std::string> keys = {KeyOf(options_)};
  size_t count = 1;
  const auto expect_another = [&](const std::function<void(DatasetOptions&)>& change) {
    DatasetOptions options = options_;
    change(options);
    keys.insert(KeyOf(options));
    EXPECT_EQ(keys.size(), ++count);
  };
  Write("b.csv", "text,label\n");
  expect_another([&](DatasetOptions& o) { o.files.push_back((dir_ / "b.csv").string()); });
  expect_another([&](DatasetOptions& o) { o.files.push_back(o.files[0]); });
  expect_another([](DatasetOptions& o) { o.text_column = "label"; });
  expect_another([](DatasetOptions& o) { o.text_pair_column = "label"; });
  expect_another([](DatasetOptions& o) { o.text_column = "tex", o.text_pair_column = "t"; });
  expect_another([](DatasetOptions& o) { o.label_column = "text"; });
  expect_another([](DatasetOptions& o) { o.label_kind = LabelKind::kMultiLabel; });
  expect_another([](DatasetOptions& o) { o.labels.emplace(); });
  expect_another([](DatasetOptions& o) { o.labels = LabelSet{{"pos", "neg"}}; });
  expect_another([](DatasetOptions& o) { o.labels = LabelSet{{"neg", "pos"}}; });
  expect_another([](DatasetOptions& o) { o.labels = LabelSet{{"negpos"}}; });
  expect_another([](DatasetOptions& o) { o.known_labels.emplace(); });
  expect_another([](DatasetOptions& o) { o.known_labels = LabelSet{{"pos", "neg"}}; });
  expect_another([](DatasetOptions& o) { o.known_labels = LabelSet{{"neg", "pos"}}; });
  expect_another([](DatasetOptions& o) { o.max_samples = 2; });
  expect_another([](DatasetOptions& o) { o.max_length = 2; });
  expect_another([](DatasetOptions& o) { o.on_bad_row = OnBadRow::kSkip; });
  expect_another([](DatasetOptions& o) { o.csv_delimiter = ';'; });
  tokenizer_ = TinyTokenizer{.pair = "ca"}.Make(dir_ / "other");
  expect_another([](DatasetOptions&) {});
  tokenizer_ = TinyTokenizer().Make(dir_ / "same");
  EXPECT_TRUE(keys.contains(KeyOf(options_)));
}

TEST_F(TokenCacheTest, KeepsWhatWasSkippedAndWarnsOfItAgain) {
  Write("a.csv", "text,label\nx\nthe cat,pos\ndog,neg\n\xff,neg\nbird,pos\n");
  options_.on_bad_row = OnBadRow::kSkip;
  testing::internal::CaptureStderr();
  const Dataset made = Load();
  const std::string warning = testing::internal::GetCapturedStderr();
  EXPECT_THAT(warning, HasSubstr("a.csv: skipped 2 of 5 rows (1 malformed, 1 not UTF-8); the first: "));
  EXPECT_THAT(warning, HasSubstr("a.csv: row 1: 1 fields, but the header has 2\n"));
  ASSERT_EQ(made.skipped().size(), 2);
  EXPECT_EQ(made.skipped()[1].before, 2);
  testing::internal::CaptureStderr();
  const Dataset kept = Load();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), warning);
  EXPECT_FALSE(kept.cache_hit().empty());
  EXPECT_EQ(kept.skipped(), made.skipped());
  ExpectEqual(made, kept);
}

TEST_F(TokenCacheTest, KeepsTheWarningsOfTheLabels) {
  options_.files = {GEMTUNE_SOURCE_DIR "/tests/data/golden/class_label.parquet"};  // negative, positive
  options_.labels = LabelSet{{"good", "bad"}};
  for (const bool hits : {false, true}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(Hits(), hits);
    EXPECT_THAT(
        testing::internal::GetCapturedStderr(),
        HasSubstr("class_label.parquet: its classes 'negative', 'positive' are not the model's 'good', "
                  "'bad'; taken by their ids\n"));
  }
}

TEST_F(TokenCacheTest, ADamagedEntryIsMadeAfresh) {
  const Dataset made = Load();
  const std::string whole = ReadFile(Entry());
  for (const std::string& damaged :
       {std::string(), std::string("text"), whole.substr(0, whole.size() - 1),
        whole.substr(0, whole.size() / 2), whole + "x", std::string(whole.size(), '\0')}) {
    WriteFileAtomically(Entry(), damaged);
    EXPECT_THAT(WarningOfLoad(), HasSubstr("this cache entry is rebuilt"));
    EXPECT_EQ(ReadFile(Entry()), whole);
    ExpectEqual(made, Load());
  }
  EXPECT_TRUE(Hits());
}

TEST_F(TokenCacheTest, AnyDamagedByteGivesSomethingValid) {
  Load();
  const fs::path entry = Entry();
  const std::string whole = ReadFile(entry);
  const TokenCache cache(options_, ListFiles(options_.files), tokenizer_);
  testing::internal::CaptureStderr();
  int refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x81);
    std::ofstream(entry, std::ios::binary) << damaged;
    if (const std::optional<Examples> examples = cache.Read()) {
      EXPECT_NO_THROW(Dataset{*examples});
    } else {
      ++refused;
    }
  }
  testing::internal::GetCapturedStderr();
  EXPECT_GT(refused, static_cast<int>(whole.size()) / 2);
}

// What a checked entry holds, and one thing wrong with each.
TEST_F(TokenCacheTest, AnEntryIsCheckedThroughout) {
  Load();
  struct Parts {
    std::vector<int32_t> ids = {2, 3, 4};
    std::vector<int64_t> offsets = {0, 1, 3};
    std::vector<uint8_t> is_target = {};
    std::vector<uint8_t> truncated = {0, 1};
    std::vector<float> label_values = {0, 1};
    std::vector<float> loss_weights = {};
    std::string labels = R"(["neg", "pos"])";
    std::string key;
    DType ids_type = DType::kI32;
    std::vector<int64_t> before = {0, 2};
    std::vector<uint8_t> faults = {0, 2};
    std::string messages = "row 1: a\nrow 4: b\n";
    std::string warnings = "a.csv: its classes\n";
  };
  const auto is_taken = [&](const std::function<void(Parts&)>& change) {
    Parts parts;
    parts.key = Entry().stem();
    change(parts);
    const auto named = [](const char* name, DType type, const auto& values) {
      return io::NamedTensor{name, {type, {std::ssize(values)}, std::as_bytes(std::span(values))}};
    };
    io::WriteSafetensors(
        Entry(),
        {named("ids", parts.ids_type, parts.ids), named("offsets", DType::kI64, parts.offsets),
         named("is_target", DType::kU8, parts.is_target), named("truncated", DType::kU8, parts.truncated),
         named("label_values", DType::kF32, parts.label_values),
         named("loss_weights", DType::kF32, parts.loss_weights),
         named("skipped_before", DType::kI64, parts.before), named("skipped_fault", DType::kU8, parts.faults),
         named("skipped_messages", DType::kU8, parts.messages),
         named("warnings", DType::kU8, parts.warnings)},
        {{"key", parts.key}, {"labels", parts.labels}});
    testing::internal::CaptureStderr();
    const bool taken = TokenCache(options_, ListFiles(options_.files), tokenizer_).Read().has_value();
    EXPECT_EQ(testing::internal::GetCapturedStderr().empty(), taken);
    return taken;
  };
  EXPECT_TRUE(is_taken([](Parts&) {}));
  EXPECT_FALSE(is_taken([](Parts& p) { p.key[0] ^= 1; }));
  EXPECT_TRUE(is_taken([](Parts& p) { p.loss_weights = {0, 2}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.loss_weights = {1}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.loss_weights = {1, -1}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.ids[1] = -1; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.ids[1] = 288; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.ids.push_back(1); }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.ids_type = DType::kF32; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {1, 2, 3}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {0, 0, 3}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {0, 4, 3}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {0, 1, 2}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.offsets = {0, 1, INT64_MAX}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.is_target = {0, 1, 1}; }));  // of texts
  EXPECT_FALSE(is_taken([](Parts& p) { p.truncated = {0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.truncated = {0, 2}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.label_values = {0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.label_values = {0, 2}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.label_values = {0, 0.5}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.label_values = {-1, 0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.label_values = {std::nanf(""), 0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.labels = "[\"neg\"]"; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.labels = "[1, 2]"; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.labels = "[\"neg\", "; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.before = {2, 0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.before = {-1, 0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.before = {0, 3}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.before = {0}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.faults = {0, 9}; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.messages = "row 1: a\n"; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.messages = "row 1: a\nrow 4: b"; }));
  EXPECT_FALSE(is_taken([](Parts& p) { p.warnings = "cut off"; }));
  EXPECT_TRUE(is_taken([](Parts& p) { p.warnings = ""; }));
  options_.labels = LabelSet{{"pos", "neg"}};
  EXPECT_FALSE(is_taken([](Parts&) {}));  // of other labels than were asked for
  options_.labels = LabelSet{{"neg", "pos"}};
  EXPECT_TRUE(is_taken([](Parts&) {}));
  options_.labels.reset();
  for (const auto& [known, taken] :
       {std::pair(LabelSet{{"neg"}}, true), std::pair(LabelSet{{"neg", "pos"}}, true),
        std::pair(LabelSet{{"pos"}}, false), std::pair(LabelSet{{"neg", "pos", "new"}}, false)}) {
    options_.known_labels = known;
    EXPECT_EQ(is_taken([](Parts&) {}), taken);
  }
  options_ = {.files = options_.files,
              .label_kind = LabelKind::kNone,
              .row_kind = RowKind::kDocument,
              .cache_dir = options_.cache_dir};
  const auto has_targets = [&](const std::vector<uint8_t>& is_target) {
    return is_taken([&](Parts& p) {
      p.key = TokenCache(options_, ListFiles(options_.files), tokenizer_).path().stem();
      p.offsets = {0, 3};
      p.is_target = is_target;
      p.truncated = {0};
      p.label_values = {};
      p.labels = "[]";
      p.before = {0, 1};
    });
  };
  fs::remove(Entry());
  Load();  // an entry for these options
  EXPECT_TRUE(has_targets({0, 1, 0}));
  EXPECT_FALSE(has_targets({}));
  EXPECT_FALSE(has_targets({0, 1}));
  EXPECT_FALSE(has_targets({0, 2, 0}));
  EXPECT_FALSE(has_targets({1, 0, 0}));  // which nothing predicts
}

TEST_F(TokenCacheTest, ACacheThatCannotBeWrittenIsAWarning) {
  WriteFileAtomically(dir_ / "cache", "a file where the folder should be");
  EXPECT_THAT(WarningOfLoad(), HasSubstr("warning: tokens are not cached: "));
  options_.cache_dir = "/proc/nowhere";  // not even root may
  EXPECT_THAT(WarningOfLoad(), HasSubstr("warning: tokens are not cached: "));
}

TEST_F(TokenCacheTest, AFolderInTheEntrysPlaceIsAWarning) {
  fs::create_directories(Entry());
  const std::string warning = WarningOfLoad();
  EXPECT_THAT(warning, HasSubstr("this cache entry is rebuilt"));
  EXPECT_THAT(warning, HasSubstr("tokens are not cached"));
}

TEST_F(TokenCacheTest, SeveralMayLoadAtOnce) {
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_EQ(Load().size(), 3);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_TRUE(Hits());
  EXPECT_EQ(std::distance(fs::directory_iterator(options_.cache_dir), fs::directory_iterator()), 1);
}

TEST_F(TokenCacheTest, AFewRowsOfAHugeFileAreNotWorthHashingIt) {
  options_.max_samples = 2;
  Load();
  EXPECT_TRUE(Hits());
  fs::remove_all(options_.cache_dir);
  fs::resize_file(dir_ / "a.csv", size_t{3} << 30);  // zeros that take no place on the disk
  EXPECT_EQ(Load().size(), 2);
  EXPECT_FALSE(fs::exists(options_.cache_dir));
}

TEST_F(TokenCacheTest, NamesAFileThatCannotBeRead) {
  EXPECT_THAT(MessageOf([&] { TokenCache(options_, {FileOfPath(dir_ / "missing.csv")}, tokenizer_); }),
              HasSubstr("missing.csv: cannot read: No such file"));
  fs::create_directories(dir_ / "folder.csv");
  EXPECT_THAT(MessageOf([&] { TokenCache(options_, {FileOfPath(dir_ / "folder.csv")}, tokenizer_); }),
              HasSubstr("folder.csv: cannot read: "));
}

}  // namespace
}  // namespace gemtune::data
