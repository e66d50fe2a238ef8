#include "gemtune/cli/merge.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;
using test::JsonLines;
using test::RunProgram;
using testing::HasSubstr;

class MergeCommand : public test::TempDir {
 protected:
  MergeCommand() { test::WriteTinyModel(dir_ / "base"); }

  // An adapter that has left its start, in dir_ / "adapter".
  void MakeAdapter(const model::LoraConfig& config, at::ScalarType dtype = at::kFloat) const {
    auto classifier = model::PretrainedClassifier::FromBase(
        model::ModelSource::Open(dir_ / "base"), text::Tokenizer::Load(dir_ / "base"),
        {"single_label_classification", {"no", "yes"}}, {.dtype = dtype});
    classifier.AddAdapter(config, (dir_ / "base").string(), 1);
    const at::NoGradGuard no_grad;
    for (const auto& item : classifier.model->named_parameters()) {
      if (item.value().requires_grad()) item.value().add_(at::randn_like(item.value()), 0.2);
    }
    classifier.Save(dir_ / "adapter");
  }

  test::Finished Run(std::vector<std::string> more) const {
    std::vector<std::string> all = {"merge",
                                    "--model",
                                    (dir_ / "adapter").string(),
                                    "--output-dir",
                                    (dir_ / "merged").string(),
                                    "--overwrite-output-dir"};
    all.insert(all.end(), more.begin(), more.end());
    return RunProgram(all);
  }

  std::vector<double> Logits(const std::string& model, const std::string& dtype) const {
    const auto run =
        RunProgram({"predict", "--model", (dir_ / model).string(), "--dtype", dtype, "--logits", "a text"});
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    const auto line = JsonLines(run.out).at(0);
    EXPECT_TRUE(line["scores"].contains("yes"));
    return line["logits"];
  }
};

TEST_F(MergeCommand, TheMergedModelGivesTheAdaptersLogits) {
  for (const model::LoraConfig& config : {model::LoraConfig{},
                                          {.r = 4, .use_rslora = true},
                                          {.r = 4, .use_dora = true},
                                          {.r = 2, .modules_to_save = {"norm"}}}) {
    MakeAdapter(config);
    for (const std::string dtype : {"fp32", "bf16"}) {
      const auto run = Run({"--dtype", dtype});
      ASSERT_EQ(run.exit_code, kDone) << run.err;
      const auto expected = Logits("adapter", dtype), merged = Logits("merged", dtype);
      for (size_t i = 0; i < merged.size(); ++i) {
        EXPECT_NEAR(merged[i], expected[i], dtype == "fp32" ? 1e-4 : 0.15) << dtype;
      }
    }
  }
}

TEST_F(MergeCommand, WritesAPlainModelAndNothingOfTheAdapter) {
  MakeAdapter({});
  fs::create_directories(dir_ / "merged");
  WriteFileAtomically(dir_ / "merged" / "adapter_config.json", "{}");  // of an earlier run
  io::WriteFileRecord(dir_ / "merged", {{"model", {"adapter_config.json"}}});
  ASSERT_EQ(Run({}).exit_code, kDone);
  EXPECT_FALSE(fs::exists(dir_ / "merged" / "adapter_config.json"));
  EXPECT_EQ(nlohmann::json::parse(ReadFile(dir_ / "merged" / "config.json"))["dtype"], "bfloat16");
  const auto base = io::SafetensorsFile::Open(dir_ / "base" / "model.safetensors"),
             merged = io::SafetensorsFile::Open(dir_ / "merged" / "model.safetensors");
  EXPECT_EQ(merged.tensors().size(), base.tensors().size());  // its head, too; the tied embedding once
  for (const auto& [name, view] : base.tensors()) EXPECT_TRUE(merged.tensors().contains(name)) << name;
}

TEST_F(MergeCommand, TheBaseCanBeNamedWhereItHasMoved) {
  MakeAdapter({});
  fs::rename(dir_ / "base", dir_ / "moved");
  const auto lost = Run({});
  EXPECT_EQ(lost.exit_code, kBadInput);
  EXPECT_THAT(lost.err, HasSubstr("name it with --base-model"));
  EXPECT_EQ(Run({"--base-model", (dir_ / "moved").string()}).exit_code, kDone);
}

TEST_F(MergeCommand, AnotherModelIsNotWrittenOverUnasked) {
  MakeAdapter({});
  ASSERT_EQ(Run({}).exit_code, kDone);
  const auto again = Run({"--overwrite-output-dir=false"});
  EXPECT_EQ(again.exit_code, kBadInput);
  EXPECT_THAT(again.err,
              HasSubstr("holds another model (config.json); give another --output-dir, or overwrite it with "
                        "--overwrite-output-dir"));
  WriteFileAtomically(dir_ / "merged" / "adapter_config.json", "{}");
  const auto shadowed = Run({});
  EXPECT_EQ(shadowed.exit_code, kBadInput);
  EXPECT_THAT(shadowed.err, HasSubstr("holds adapter_config.json, which gemtune did not write"));
}

TEST_F(MergeCommand, SaysWhatCannotBeMerged) {
  const auto none =
      RunProgram({"merge", "--model", (dir_ / "base").string(), "--output-dir", (dir_ / "out").string()});
  EXPECT_EQ(none.exit_code, kBadInput);
  EXPECT_THAT(none.err, HasSubstr("is not an adapter"));
  MakeAdapter({});
  for (const char* place : {"base", "adapter"}) {
    const auto run = Run({"--output-dir", (dir_ / place).string()});
    EXPECT_EQ(run.exit_code, kBadInput) << place;
    EXPECT_THAT(run.err, HasSubstr("give another --output-dir"));
  }
  EXPECT_TRUE(fs::exists(dir_ / "adapter" / "adapter_model.safetensors"));
}

}  // namespace
}  // namespace gemtune::cli
