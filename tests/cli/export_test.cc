#include "gemtune/cli/export.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/io/gguf.h"
#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;
using test::RunProgram;
using testing::HasSubstr;

class ExportCommand : public test::TempDir {
 protected:
  ExportCommand() { test::WriteTinyModel(dir_ / "base"); }

  test::Finished Run(std::vector<std::string> more, const std::string& model = "base") const {
    std::vector<std::string> all = {"export", "--model", (dir_ / model).string(), "--outfile",
                                    file_.string()};
    all.insert(all.end(), more.begin(), more.end());
    return RunProgram(all);
  }

  uint32_t FileType() const { return io::GgufFile::Open(file_).Required<uint32_t>("general.file_type"); }

  const fs::path file_ = dir_ / "new" / "model.gguf";
};

TEST_F(ExportCommand, WritesBf16UnlessToldOtherwise) {
  const auto run = Run({});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("model.gguf written as bf16"));
  EXPECT_EQ(FileType(), 32u);
  for (const auto& [outtype, type] :
       {std::pair("f32", 0u), {"f16", 1u}, {"q8_0", 7u}, {"q4_0", 2u}, {"q4_k_m", 15u}}) {
    ASSERT_EQ(Run({"--outtype", outtype, "--overwrite"}).exit_code, kDone);
    EXPECT_EQ(FileType(), type);
  }
  EXPECT_THAT(Run({"--outtype", "q2_k"}).err, HasSubstr("q2_k"));
}

TEST_F(ExportCommand, AnAdapterIsWrittenMergedOrAlone) {
  auto loaded = model::PretrainedCausalLm::FromTrained(dir_ / "base");
  loaded.AddAdapter({.r = 4}, (dir_ / "gone").string(), 1);
  loaded.Save(dir_ / "adapter");
  for (const std::string format : {"gguf", "gguf-lora"}) {
    const auto lost = Run({"--format", format, "--overwrite"}, "adapter");
    EXPECT_EQ(lost.exit_code, kBadInput);
    EXPECT_THAT(lost.err, HasSubstr("name it with --base-model"));
    const auto run =
        Run({"--format", format, "--base-model", (dir_ / "base").string(), "--overwrite"}, "adapter");
    ASSERT_EQ(run.exit_code, kDone) << run.err;
    EXPECT_THAT(run.err, HasSubstr(format == "gguf" ? "as bf16" : "as f32"));
    EXPECT_EQ(io::GgufFile::Open(file_).Required<std::string_view>("general.type"),
              format == "gguf" ? "model" : "adapter");
  }
}

TEST_F(ExportCommand, AFileIsNotOverwrittenUnasked) {
  fs::create_directories(file_.parent_path());
  WriteFileAtomically(file_, "mine");
  const auto run = Run({});
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err,
              HasSubstr("is there already; give another --outfile, or overwrite it with --overwrite"));
  EXPECT_EQ(ReadFile(file_), "mine");
  EXPECT_EQ(Run({"--overwrite"}).exit_code, kDone);
  const auto onto_itself =
      RunProgram({"export", "--model", file_.string(), "--outfile", file_.string(), "--overwrite"});
  EXPECT_EQ(onto_itself.exit_code, kBadInput);
  EXPECT_THAT(onto_itself.err, HasSubstr("would be overwritten by its own copy"));
  const auto folder = RunProgram({"export", "--model", (dir_ / "base").string(), "--outfile", dir_.string()});
  EXPECT_EQ(folder.exit_code, kBadInput);
  EXPECT_THAT(folder.err, HasSubstr("is a directory; give a file as --outfile"));
}

TEST_F(ExportCommand, SaysWhatCannotBeWritten) {
  WriteFileAtomically(dir_ / "new", "a file where the folder should be");
  const auto run = Run({});
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("give another --outfile"));
}

}  // namespace
}  // namespace gemtune::cli
