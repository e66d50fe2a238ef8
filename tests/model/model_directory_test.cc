#include "gemtune/model/model_directory.h"

#include <gmock/gmock.h>

#include <set>

#include "gemtune/io/file_record.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using test::MessageOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ModelDirectory : public test::TempDir {
 protected:
  void Commit(const std::set<std::string>& names) const {
    AtomicDirectory written(out_);
    for (const std::string& name : names) WriteFileAtomically(written.path() / name, "ours");
    CommitModel(written, out_);
  }

  void Foreign(const std::string& name) const {
    fs::create_directories(out_);
    WriteFileAtomically(out_ / name, "theirs");
  }

  fs::path out_ = dir_ / "out";
};

TEST_F(ModelDirectory, OfAnEarlierModelGoesWhatGemtuneWroteAndNothingElse) {
  for (const char* name : {"model-v1-backup.safetensors", "adapter_plan.xlsx", "generation_config.json"})
    Foreign(name);
  Commit({"config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json"});
  Commit({"adapter_config.json", "adapter_model.safetensors"});
  EXPECT_THAT(io::NamesIn(out_),
              ElementsAre("adapter_config.json", "adapter_model.safetensors", "adapter_plan.xlsx",
                          "generation_config.json", "model-v1-backup.safetensors"));
  EXPECT_EQ(ReadFile(out_ / "generation_config.json"), "theirs");
  EXPECT_EQ(io::ReadFileRecord(out_),
            (io::FileRecord{{"model", {"adapter_config.json", "adapter_model.safetensors"}}}));
}

TEST_F(ModelDirectory, ARecordOfOtherPartsStays) {
  fs::create_directories(out_);
  io::WriteFileRecord(out_, {{"run", {"run.toml"}}});
  Foreign("run.toml");
  Commit({"config.json"});
  EXPECT_EQ(io::ReadFileRecord(out_), (io::FileRecord{{"model", {"config.json"}}, {"run", {"run.toml"}}}));
}

TEST_F(ModelDirectory, NamesTheFilesByWhichAModelIsKnown) {
  EXPECT_TRUE(ModelFilesIn(out_).empty());
  for (const char* name : {"notes.txt", "model-v1-backup.safetensors", "tokenizer.json", "config.json"})
    Foreign(name);
  EXPECT_THAT(ModelFilesIn(out_), ElementsAre("config.json", "tokenizer.json"));
}

TEST_F(ModelDirectory, WhatWouldBeReadInThePlaceOfTheNewModelIsInTheWay) {
  Foreign("config.json");
  EXPECT_NO_THROW(RefuseShadows(out_, /*writes_adapter=*/false));
  EXPECT_THAT(MessageOf([&] { RefuseShadows(out_, /*writes_adapter=*/true); }),
              HasSubstr("holds config.json, which gemtune did not write"));
  Commit({"config.json"});
  EXPECT_NO_THROW(RefuseShadows(out_, /*writes_adapter=*/true));  // it will be removed
  Foreign("adapter_config.json");
  EXPECT_THAT(MessageOf([&] { RefuseShadows(out_, /*writes_adapter=*/false); }), HasSubstr("move it away"));
}

TEST_F(ModelDirectory, AModelIsNotWrittenOverByWhatIsMadeOfIt) {
  const auto complaint = [&](const fs::path& source, const fs::path& target) {
    return MessageOf([&] { RefuseInPlace(source, target, "`output_dir`"); });
  };
  Commit({"config.json", "model.safetensors"});
  fs::create_directory_symlink(out_, dir_ / "link");
  fs::create_directories(out_ / "checkpoint-5");
  fs::create_directories(dir_ / "linked");
  fs::create_symlink(out_ / "model.safetensors", dir_ / "linked" / "model.safetensors");
  for (const fs::path& source : {out_, out_ / "", dir_ / "link", dir_ / "." / "out",
                                 dir_ / "x" / ".." / "out", out_ / "checkpoint-5", dir_ / "linked"}) {
    EXPECT_THAT(complaint(source, out_),
                HasSubstr("would be overwritten by its own results; give another `output_dir`"))
        << source;
  }
  EXPECT_THAT(complaint(out_, dir_ / "link"), HasSubstr("would be overwritten"));
  fs::create_directories(out_ / "base");
  WriteFileAtomically(out_ / "m.gguf", "GGUF");
  for (const fs::path& source : {dir_, out_ / "base", dir_ / "out2", out_ / "m.gguf"}) {
    EXPECT_NO_THROW(RefuseInPlace(source, out_, "`output_dir`")) << source;
  }
}

}  // namespace
}  // namespace gemtune::model
