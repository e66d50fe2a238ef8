#include "gemtune/model/gguf_export.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/io/gguf.h"
#include "gemtune/io/tensor_names.h"
#include "gemtune/model/names.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_classifier.h"
#include "tests/support/tiny_gguf.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class GgufExport : public test::TempDir {
 protected:
  GgufExport() { test::WriteTinyModel(dir_ / "base"); }

  fs::path Export(const fs::path& model, const std::string& outtype, const fs::path& base = {}) const {
    const fs::path file = dir_ / (model.filename().string() + "-" + outtype + ".gguf");
    ExportGguf(model, base, io::FindGgufOuttype(outtype), file);
    return file;
  }

  // An adapter that has left its start, in dir_ / "adapter".
  PretrainedCausalLm MakeAdapter(const LoraConfig& config) const {
    PretrainedCausalLm loaded = PretrainedCausalLm::FromTrained(dir_ / "base");
    loaded.AddAdapter(config, (dir_ / "base").string(), 1);
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : loaded.model->parameters()) {
      if (parameter.requires_grad()) parameter.add_(at::randn_like(parameter), 0.2);
    }
    loaded.Save(dir_ / "adapter");
    return loaded;
  }
};

std::map<std::string, at::Tensor> Weights(const io::Checkpoint& checkpoint) {
  std::map<std::string, at::Tensor> weights;
  for (const io::TensorInfo& info : checkpoint.tensors()) {
    if (info.name == kHeadWeight) continue;
    weights[info.name] = at::empty(info.shape, at::kFloat);
    LoadTensor(checkpoint, info.name, weights[info.name]);
  }
  return weights;
}

// Norms go through 1 + w in fp32, which is what both multiply by.
void ExpectSame(const std::map<std::string, at::Tensor>& read,
                const std::map<std::string, at::Tensor>& expected) {
  ASSERT_EQ(read.size(), expected.size());
  for (const auto& [name, weight] : expected) {
    const bool is_norm = weight.dim() == 1;
    EXPECT_TRUE(is_norm ? at::equal(read.at(name) + 1, weight + 1) : at::equal(read.at(name), weight))
        << name;
  }
}

TEST_F(GgufExport, F32HoldsTheWeightsAsTheyAre) {
  const io::Checkpoint read = io::Checkpoint::Open(Export(dir_ / "base", "f32"));
  ExpectSame(Weights(read), Weights(io::Checkpoint::Open(dir_ / "base")));
  EXPECT_EQ(read.Find("lm_head.weight"), nullptr);  // tied
  const auto tokenizer = text::Tokenizer::Load(read.path());
  const auto own = text::Tokenizer::Load(dir_ / "base");
  EXPECT_EQ(tokenizer.fingerprint(), own.fingerprint());
  EXPECT_EQ(tokenizer.bos_id(), own.bos_id());
}

// Rows of 64 and 256 numbers: of blocks, and of blocks and super-blocks.
TEST_F(GgufExport, EveryTypeStaysNearTheWeights) {
  test::WriteTinyGguf(dir_ / "tiny.gguf");
  const auto expected = Weights(io::Checkpoint::Open(dir_ / "tiny.gguf"));
  const std::pair<const char*, double> bounds[] = {{"f32", 0},     {"f16", 1e-3},  {"bf16", 5e-3},
                                                   {"q8_0", 1e-2}, {"q4_0", 0.15}, {"q4_k_m", 0.15}};
  for (const auto& [outtype, bound] : bounds) {
    const fs::path file = Export(dir_ / "tiny.gguf", outtype);
    const auto weights = Weights(io::Checkpoint::Open(file));
    for (const auto& [name, weight] : weights) {
      const at::Tensor error = (weight - expected.at(name)).norm() / expected.at(name).norm();
      EXPECT_LE(error.item<double>(), bound) << outtype << " " << name;
    }
    const io::GgufFile written = io::GgufFile::Open(file);
    for (const io::GgufTensor& tensor : written.tensors()) {
      EXPECT_EQ(tensor.type, io::GgufTensorType(io::FindGgufOuttype(outtype), tensor.name, tensor.shape, 2));
    }
  }
}

TEST_F(GgufExport, AnAdapterIsMergedFirst) {
  for (const LoraConfig& config : {LoraConfig{},
                                   {.r = 4, .use_rslora = true},
                                   {.r = 4, .use_dora = true},
                                   {.r = 2, .modules_to_save = {"norm"}}}) {
    PretrainedCausalLm loaded = MakeAdapter(config);
    loaded.MergeAdapter();
    std::map<std::string, at::Tensor> merged;
    for (const auto& item : loaded.module().named_parameters()) merged[item.key()] = item.value().detach();
    ExpectSame(Weights(io::Checkpoint::Open(Export(dir_ / "adapter", "f32"))), merged);
  }
}

// W + lora_alpha / r · B · A, as llama.cpp adds it.
TEST_F(GgufExport, ALoraIsWhatItsMergeAdds) {
  const auto base = Weights(io::Checkpoint::Open(dir_ / "base"));
  for (const LoraConfig& config :
       {LoraConfig{.r = 4},
        {.r = 4, .use_rslora = true},
        {.r = 4, .target_modules = {"q_proj", "down_proj"}, .rank_pattern = {{"q_proj", 3}}},
        {.r = 4, .alpha_pattern = {{"layers.1.mlp.up_proj", 7}}}}) {
    PretrainedCausalLm loaded = MakeAdapter(config);
    loaded.MergeAdapter();
    const fs::path file = dir_ / "lora.gguf";
    ExportGgufLora(dir_ / "adapter", {}, io::FindGgufOuttype("f32"), file);
    const io::GgufFile read = io::GgufFile::Open(file);
    const auto alpha = read.Required<float>("adapter.lora.alpha");
    std::map<std::string, at::Tensor> tensors;
    for (const io::GgufTensor& tensor : read.tensors()) {
      tensors[std::string(tensor.name)] = ops::HostView(tensor.data, tensor.shape, at::kFloat).clone();
    }
    size_t adapted = 0;
    for (const auto& item : loaded.module().named_parameters()) {
      const std::string name = io::GgufNameFromHf(item.key())->name;
      at::Tensor sum = base.at(item.key());
      if (tensors.contains(name + ".lora_a")) {
        const at::Tensor a = tensors.at(name + ".lora_a"), b = tensors.at(name + ".lora_b");
        sum = sum + at::mm(b, a) * (alpha / static_cast<double>(b.size(1)));
        ++adapted;
      }
      EXPECT_LT((sum - item.value()).abs().max().item<double>(), 2e-6) << name;
    }
    EXPECT_EQ(tensors.size(), 2 * adapted);
    EXPECT_EQ(adapted, config.target_modules.empty() ? 7 * 7 : 2 * 7);
  }
}

TEST_F(GgufExport, WhatAGgufCannotHoldIsRefused) {
  const auto& f32 = io::FindGgufOuttype("f32");
  const fs::path file = dir_ / "out.gguf";
  const auto lora_fault = [&](const LoraConfig& config) {
    MakeAdapter(config);
    return test::MessageOf([&] { ExportGgufLora(dir_ / "adapter", {}, f32, file); });
  };
  EXPECT_THAT(lora_fault({.use_dora = true}), HasSubstr("has DoRA's magnitudes (use_dora), which a GGUF"));
  EXPECT_THAT(lora_fault({.modules_to_save = {"norm"}}), HasSubstr("modules_to_save"));
  EXPECT_THAT(test::MessageOf([&] { ExportGgufLora(dir_ / "base", {}, f32, file); }),
              HasSubstr("is not an adapter"));
  EXPECT_THAT(test::MessageOf([&] { ExportGguf(dir_ / "base", dir_ / "base", f32, file); }),
              HasSubstr("has no `base_model`"));
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(GgufExport, AClassifierIsRefusedWithTheReason) {
  const auto& f32 = io::FindGgufOuttype("f32");
  const fs::path file = dir_ / "out.gguf";
  PretrainedClassifier classifier = test::Classifier(dir_ / "base");
  classifier.Save(dir_ / "whole");
  classifier.AddAdapter({}, (dir_ / "base").string(), 1);
  classifier.Save(dir_ / "lora");
  for (const char* model : {"whole", "lora"}) {
    EXPECT_EQ(
        test::MessageOf([&] { ExportGguf(dir_ / model, {}, f32, file); }),
        (dir_ / model).string() +
            ": is a classifier: llama.cpp has no classification head for Gemma 3 and would generate text "
            "with its trunk; classify with gemtune predict, or export a language model");
  }
  EXPECT_THAT(test::MessageOf([&] { ExportGgufLora(dir_ / "lora", {}, f32, file); }),
              HasSubstr("is a classifier"));
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(GgufExport, AModelThatLlamaCppComputesOtherwiseIsRefused) {
  auto config = nlohmann::ordered_json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["query_pre_attn_scalar"] = 12;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  MakeAdapter({});
  const auto& f32 = io::FindGgufOuttype("f32");
  for (const char* model : {"base", "adapter"}) {
    EXPECT_THAT(test::MessageOf([&] { ExportGguf(dir_ / model, {}, f32, dir_ / "out.gguf"); }),
                HasSubstr("'query_pre_attn_scalar' is 12, not 8"));
  }
  EXPECT_THAT(test::MessageOf([&] { ExportGgufLora(dir_ / "adapter", {}, f32, dir_ / "out.gguf"); }),
              HasSubstr("'query_pre_attn_scalar' is 12, not 8"));
}

}  // namespace
}  // namespace gemtune::model
