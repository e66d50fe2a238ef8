#include "gemtune/base/writable_directory.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune {
namespace {

using testing::HasSubstr;

class MakeWritableDirectoryTest : public test::TempDir {
 protected:
  static std::string Complaint(const std::filesystem::path& path) {
    return test::MessageOf([&] { MakeWritableDirectory(path, "`output_dir`"); });
  }
};

TEST_F(MakeWritableDirectoryTest, MakesItOrSaysWhyNot) {
  MakeWritableDirectory(dir_ / "a" / "b", "`output_dir`");
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "a" / "b"));
  MakeWritableDirectory(dir_ / "a", "`output_dir`");  // may be there
  WriteFileAtomically(dir_ / "file", "");
  EXPECT_THAT(Complaint(dir_ / "file"), HasSubstr("file: is a file; give another `output_dir`"));
  EXPECT_THAT(Complaint(dir_ / "file" / "sub"), HasSubstr("Not a directory; give another `output_dir`"));
}

TEST_F(MakeWritableDirectoryTest, RefusesOneThatCannotBeWritten) {
  constexpr auto kReadOnly = std::filesystem::perms{0555};
  std::filesystem::permissions(dir_, kReadOnly);
  const uid_t user = ::geteuid();
  ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0);  // to root everything is writable
  const std::string inside = Complaint(dir_), below = Complaint(dir_ / "sub");
  ASSERT_EQ(::seteuid(user), 0);
  std::filesystem::permissions(dir_, std::filesystem::perms::owner_all);
  EXPECT_THAT(inside, HasSubstr("cannot write: Permission denied; give another `output_dir`"));
  EXPECT_THAT(below, HasSubstr("sub: Permission denied; give another `output_dir`"));
}

}  // namespace
}  // namespace gemtune
