#include "gemtune/io/event_file.h"

#include <gmock/gmock.h>

#include <cstring>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using testing::HasSubstr;

class EventFileTest : public test::TempDir {
 protected:
  // The payloads of all records; checks sizes and both checksums on the way.
  std::vector<std::string> Records() const {
    const auto names = NamesIn(dir_);
    EXPECT_EQ(names.size(), 1u);
    EXPECT_TRUE(EventFile::IsName(*names.begin()));
    const std::string bytes = ReadFile(dir_ / *names.begin());
    std::vector<std::string> records;
    for (size_t at = 0; at < bytes.size();) {
      uint64_t size = 0;
      uint32_t size_crc = 0, crc = 0;
      std::memcpy(&size, &bytes[at], 8);
      std::memcpy(&size_crc, &bytes[at + 8], 4);
      EXPECT_EQ(size_crc, MaskedCrc32c(bytes.substr(at, 8)));
      records.push_back(bytes.substr(at + 12, size));
      std::memcpy(&crc, &bytes[at + 12 + size], 4);
      EXPECT_EQ(crc, MaskedCrc32c(records.back()));
      at += size + 16;
    }
    return records;
  }
};

TEST(MaskedCrc32c, IsRfc3720s) {
  const uint32_t crc = 0xE3069283u;  // of "123456789"
  EXPECT_EQ(MaskedCrc32c("123456789"), (crc >> 15 | crc << 17) + 0xA282EAD8u);
}

// That TensorBoard reads them is tested with TensorBoard (tests/interop/reports_test.py).
TEST_F(EventFileTest, IsARecordForEachEvent) {
  EventFile file(dir_);
  file.Scalar("train/loss", 3, 0.5);
  file.Text("args", "# options");
  file.AddPrCurve("pr/yes", 4,
                  {.true_positives = {2, 1}, .false_positives = {3, 0}, .positives = 2, .negatives = 3});
  file.Restart(2);
  const auto records = Records();
  ASSERT_EQ(records.size(), 5u);
  EXPECT_THAT(records[0], HasSubstr("brain.Event:2"));
  EXPECT_THAT(records[1], HasSubstr("train/loss"));
  EXPECT_THAT(records[2], HasSubstr("# options"));
  EXPECT_THAT(records[3], HasSubstr("pr_curves"));
}

TEST_F(EventFileTest, OfOthersIsNone) {
  EXPECT_FALSE(EventFile::IsName("events.out.tfevents.1.host.2"));
  EXPECT_FALSE(EventFile::IsName("notes.gemtune"));
}

TEST(EventFile, WhereNothingCanBeWrittenIsAnError) {
  EXPECT_THROW(EventFile("/proc/none"), std::exception);
}

}  // namespace
}  // namespace gemtune::io
