#include "gemtune/cli/options.h"

#include <gmock/gmock.h>

#include "gemtune/base/parallel.h"

namespace gemtune::cli {
namespace {

TEST(MachineOptions, NameTheWorkingType) {
  MachineOptions options;
  EXPECT_EQ(options.Dtype(), std::nullopt);
  options.dtype = "fp32";
  EXPECT_EQ(options.Dtype(), at::kFloat);
  options.dtype = "bf16";
  EXPECT_EQ(options.Dtype(), at::kBFloat16);
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

TEST(CountingProgress, IsSilentWithoutATerminal) {
  EXPECT_FALSE(CountingProgress("x"));
}

}  // namespace
}  // namespace gemtune::cli
