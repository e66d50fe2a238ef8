#include "gemtune/cli/options.h"

#include <gmock/gmock.h>

#include "gemtune/base/parallel.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::cli {
namespace {

TEST(MachineOptions, NameTheWorkingType) {
  MachineOptions options;
  options.dtype = "fp32";
  EXPECT_EQ(options.ScalarType(), at::kFloat);
  options.dtype = "bf16";
  EXPECT_EQ(options.ScalarType(), at::kBFloat16);
  testing::internal::CaptureStderr();
  options.dtype = "auto";
  const bool is_bf16 = options.ScalarType() == at::kBFloat16;
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            is_bf16 ? "dtype bf16: this processor multiplies bf16 natively\n"
                    : "dtype fp32: this processor does not multiply bf16 natively\n");
}

TEST(MachineOptions, SetTheThreads) {
  MachineOptions options;
  options.threads = 3;
  options.Apply();
  EXPECT_EQ(NumThreads(), 3);
  SetNumThreads(0);
}

TEST(ColumnOptions, BecomeADataset) {
  ColumnOptions options;
  options.text_column = "body";
  options.cache_dir = "/somewhere";
  const data::DatasetOptions made = options.Dataset({"a.csv"});
  EXPECT_EQ(made.files, std::vector<std::string>{"a.csv"});
  EXPECT_EQ(made.text_column, "body");
  EXPECT_EQ(made.max_length, 512);
  EXPECT_EQ(made.cache_dir, "/somewhere");
  options.no_cache = true;
  EXPECT_EQ(options.Dataset({}).cache_dir, "");
}

class CheckVocabularyTest : public test::TempDir {};

TEST_F(CheckVocabularyTest, NamesTheTokenWithoutARow) {
  const text::Tokenizer tokenizer = test::TinyTokenizer().Make(dir_);
  data::Examples examples;
  examples.ids = {2, 261, 2, 287};
  examples.offsets = {0, 2, 4};
  examples.truncated = {0, 0};
  const data::Dataset dataset(std::move(examples));
  CheckVocabulary(dataset, 288, tokenizer, "f.csv");
  EXPECT_EQ(test::MessageOf([&] { CheckVocabulary(dataset, 287, tokenizer, "f.csv"); }),
            "f.csv: example 2 holds 'th' (token 287), for which the model has no embedding row (287 rows)");
}

TEST(CountingProgress, IsSilentWithoutATerminal) {
  EXPECT_FALSE(CountingProgress("x", 3));
}

}  // namespace
}  // namespace gemtune::cli
