#include "gemtune/io/file_record.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileRecordTest : public test::TempDir {};

TEST_F(FileRecordTest, IsReadAsItWasWritten) {
  EXPECT_TRUE(ReadFileRecord(dir_).empty());
  EXPECT_TRUE(ReadFileRecord(dir_ / "nowhere").empty());
  const FileRecord record = {{"model", {"config.json", "model.safetensors"}}, {"run", {"run.toml"}}};
  WriteFileRecord(dir_, record);
  EXPECT_EQ(ReadFileRecord(dir_), record);
  EXPECT_TRUE(IsRecorded(record, "run.toml"));
  EXPECT_FALSE(IsRecorded(record, "notes.txt"));
}

TEST_F(FileRecordTest, NamesFilesOfItsOwnDirectoryOnly) {
  for (const char* bad : {R"([])", R"({"model": "a"})", R"({"model": [1]})", R"({"model": ["../a"]})",
                          R"({"model": ["/a"]})", R"({"model": [".."]})", R"({"model": ["."]})",
                          R"({"model": [""]})", "{\"model\": [\"a\\u0000b\"]}", "{"}) {
    WriteFileAtomically(dir_ / kFileRecord, bad);
    EXPECT_THAT(test::MessageOf([&] { ReadFileRecord(dir_); }), HasSubstr(kFileRecord)) << bad;
  }
}

TEST_F(FileRecordTest, ListsWhatIsThereButItself) {
  WriteFileAtomically(dir_ / "b", "");
  std::filesystem::create_directories(dir_ / "a");
  WriteFileRecord(dir_, {});
  EXPECT_THAT(NamesIn(dir_), ElementsAre("a", "b"));
  EXPECT_TRUE(NamesIn(dir_ / "nowhere").empty());
}

}  // namespace
}  // namespace gemtune::io
