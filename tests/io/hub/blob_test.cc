#include "gemtune/io/hub/blob.h"

#include <gmock/gmock.h>
#include <sys/file.h>

#include <fstream>
#include <thread>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io::hub {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // SHA-256 of "abc"

std::span<const std::byte> Of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class HubBlob : public test::TempDir {
 protected:
  void Part(const std::string& bytes) const { std::ofstream(blob_.string() + ".incomplete") << bytes; }

  template <typename Action>
  static std::string RunErrorOf(Action action) {
    try {
      action();
    } catch (const RunError& error) {
      return error.what();
    }
    return "";
  }

  const fs::path blob_ = dir_ / kAbc;
};

TEST_F(HubBlob, IsWrittenInPiecesAndGetsItsNameAtTheEnd) {
  PartialBlob blob(blob_, kAbc, 3);
  blob.Append(Of("a"));
  blob.Append(Of("bc"));
  EXPECT_FALSE(fs::exists(blob_));
  EXPECT_EQ(PartialBytes(blob_), 3);
  blob.Commit();
  EXPECT_EQ(ReadFile(blob_), "abc");
  EXPECT_EQ(PartialBytes(blob_), 0);
}

TEST_F(HubBlob, GoesOnWithWhatIsThere) {
  Part("ab");
  PartialBlob blob(blob_, kAbc, 3);
  EXPECT_EQ(blob.size(), 2);
  blob.Append(Of("c"));
  blob.Commit();
  EXPECT_EQ(ReadFile(blob_), "abc");
}

TEST_F(HubBlob, BeginsAnew) {
  Part("abcd");  // more than there can be
  PartialBlob blob(blob_, kAbc, 3);
  EXPECT_EQ(blob.size(), 0);
  blob.Append(Of("xy"));
  blob.Restart();
  blob.Append(Of("abc"));
  blob.Commit();
  EXPECT_EQ(ReadFile(blob_), "abc");
}

TEST_F(HubBlob, AWrongHashLeavesNothing) {
  Part("xy");
  EXPECT_THAT(RunErrorOf([&] {
                PartialBlob blob(blob_, kAbc, 3);
                blob.Append(Of("c"));
                blob.Commit();
              }),
              HasSubstr(kAbc));
  EXPECT_TRUE(fs::is_empty(dir_));
  EXPECT_NE(RunErrorOf([&] {
              PartialBlob blob(blob_, std::string(40, '0'), 3);
              blob.Append(Of("abc"));
              blob.Commit();
            }),
            "");
}

TEST_F(HubBlob, MoreThanAnnounced) {
  PartialBlob blob(blob_, kAbc, 3);
  EXPECT_THAT(RunErrorOf([&] { blob.Append(Of("abcd")); }), HasSubstr("more bytes"));
}

TEST_F(HubBlob, ALinkInItsPlaceIsNotFollowed) {
  fs::create_symlink(dir_ / "elsewhere", blob_.string() + ".incomplete");
  EXPECT_NE(RunErrorOf([&] { PartialBlob(blob_, kAbc, 3); }), "");
  EXPECT_FALSE(fs::exists(dir_ / "elsewhere"));
}

TEST_F(HubBlob, OneHoldsTheLock) {
  const fs::path path = dir_ / "x.lock";
  std::vector<std::string> notes;
  bool is_held = true;
  auto first = std::make_unique<BlobLock>(path, "file", nullptr);
  std::thread second([&] {
    const BlobLock lock(path, "file", [&](const std::string& line) {
      notes.push_back(line);
      fs::remove(path);  // as some programs do after use: then the lock is on a file without a name
      is_held = false;
      first.reset();
    });
    EXPECT_FALSE(is_held);
    EXPECT_TRUE(fs::exists(path));
  });
  second.join();
  EXPECT_THAT(notes, testing::ElementsAre(HasSubstr("waiting for another program")));
}

TEST(BytesText, HasAUnit) {
  EXPECT_EQ(BytesText(714), "714 bytes");
  EXPECT_EQ(BytesText(1'260), "1.3 kB");
  EXPECT_EQ(BytesText(536'200'000), "536.2 MB");
  EXPECT_EQ(BytesText(2'000'000'000), "2.00 GB");
}

}  // namespace
}  // namespace gemtune::io::hub
