#include "gemtune/cli/options.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "gemtune/base/parallel.h"
#include "tests/cli/run_program.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::cli {
namespace {

using testing::HasSubstr;

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

class MakeWritableDirectoryTest : public test::TempDir {
 protected:
  static std::string Complaint(const std::filesystem::path& path) {
    return test::MessageOf([&] { MakeWritableDirectory(path.string(), "--output-dir"); });
  }
};

TEST_F(MakeWritableDirectoryTest, MakesItOrSaysWhyNot) {
  MakeWritableDirectory((dir_ / "a" / "b").string(), "--output-dir");
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "a" / "b"));
  MakeWritableDirectory((dir_ / "a").string(), "--output-dir");  // may be there
  test::WriteText(dir_ / "file", "");
  EXPECT_THAT(Complaint(dir_ / "file"), HasSubstr("file: is a file; give another --output-dir"));
  EXPECT_THAT(Complaint(dir_ / "file" / "sub"), HasSubstr("Not a directory; give another --output-dir"));
}

TEST_F(MakeWritableDirectoryTest, RefusesOneThatCannotBeWritten) {
  constexpr auto kReadOnly = std::filesystem::perms{0555};
  std::filesystem::permissions(dir_, kReadOnly);
  const uid_t user = ::geteuid();
  ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0);  // to root everything is writable
  const std::string inside = Complaint(dir_), below = Complaint(dir_ / "sub");
  ASSERT_EQ(::seteuid(user), 0);
  std::filesystem::permissions(dir_, std::filesystem::perms::owner_all);
  EXPECT_THAT(inside, HasSubstr("cannot write: Permission denied; give another --output-dir"));
  EXPECT_THAT(below, HasSubstr("sub: Permission denied; give another --output-dir"));
}

TEST(CountingProgress, IsSilentWithoutATerminal) {
  EXPECT_FALSE(CountingProgress("x"));
}

}  // namespace
}  // namespace gemtune::cli
