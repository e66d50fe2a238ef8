#include "gemtune/io/mapped_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/shared_pages.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::HasSubstr;

using MappedFileTest = test::TempDir;

std::string Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST_F(MappedFileTest, MapsAFileAndAnEmptyOne) {
  WriteFileAtomically(dir_ / "f", "abc");
  WriteFileAtomically(dir_ / "empty", "");
  EXPECT_EQ(Text(MappedFile::Open(dir_ / "f")), "abc");
  EXPECT_EQ(MappedFile::Open(dir_ / "f").path(), dir_ / "f");
  const MappedFile empty = MappedFile::Open(dir_ / "empty");
  EXPECT_TRUE(empty.bytes().empty());
  DropPages(empty.bytes());
}

TEST_F(MappedFileTest, MovesKeepTheMapping) {
  WriteFileAtomically(dir_ / "f", "first");
  WriteFileAtomically(dir_ / "g", "second");
  MappedFile a = MappedFile::Open(dir_ / "f");
  MappedFile b = std::move(a);
  EXPECT_EQ(Text(b), "first");
  b = MappedFile::Open(dir_ / "g");
  EXPECT_EQ(Text(b), "second");
  EXPECT_EQ(b.path(), dir_ / "g");
}

TEST_F(MappedFileTest, RefusesWhatIsNotARegularFile) {
  EXPECT_THAT(MessageOf([&] { MappedFile::Open(dir_ / "missing"); }),
              HasSubstr("missing: cannot open: No such"));
  EXPECT_THAT(MessageOf([&] { MappedFile::Open(dir_); }), HasSubstr("is a directory"));
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(MessageOf([&] { MappedFile::Open(dir_ / "pipe"); }), HasSubstr("is not a regular file"));
  EXPECT_THAT(MessageOf([&] { MappedFile::Open("/dev/zero"); }), HasSubstr("is not a regular file"));
}

TEST_F(MappedFileTest, DroppedPagesLeaveTheProcessAndCanBeReadAgain) {
  if (test::SharedPages() == 0) GTEST_SKIP() << "needs /proc/self/statm";
  constexpr size_t kBytes = 16 << 20;
  WriteFileAtomically(dir_ / "f", std::string(kBytes, 'x'));
  const MappedFile file = MappedFile::Open(dir_ / "f");
  const auto pages = static_cast<int64_t>(kBytes) / ::getpagesize();
  const int64_t before = test::SharedPages();
  EXPECT_EQ(Text(file), std::string(kBytes, 'x'));
  EXPECT_GT(test::SharedPages(), before + pages * 9 / 10);
  DropPages(file.bytes().subspan(5, kBytes - 10));
  EXPECT_LT(test::SharedPages(), before + pages / 10);
  EXPECT_EQ(Text(file), std::string(kBytes, 'x'));
}

}  // namespace
}  // namespace gemtune::io
