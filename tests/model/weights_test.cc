#include "gemtune/model/weights.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class Weights : public test::TempDir {
 protected:
  Weights() { test::WriteTinyModel(dir_ / "base"); }

  std::string ComplaintOfBase() const {
    return test::MessageOf([&] { Outline(ModelSource::Open(dir_ / "base"), 2); });
  }
};

// Petabytes, if it were believed before it is compared with the file.
TEST_F(Weights, AConfigurationIsHeldToTheTensorsBeforeAnythingIsAllocated) {
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["vocab_size"] = 1 << 24;
  config["hidden_size"] = 1 << 17;
  config["intermediate_size"] = 1 << 20;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("the configuration asks for [16777216, 131072]"));
}

TEST_F(Weights, NamesWhatIsWrongWithACheckpoint) {
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["num_hidden_layers"] = 8;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("tensor 'model.layers.7."));
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("is missing"));
  config["num_hidden_layers"] = 7;
  config["intermediate_size"] = 33;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("has shape [32, 16], the configuration asks for [33, 16]"));
}

TEST_F(Weights, WhatIsSavedIsLoaded) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const ModelSource source = ModelSource::Open(dir_ / "base");
    SequenceClassifier saved(source.config, 2, at::TensorOptions().dtype(dtype)),
        loaded(source.config, 2, at::TensorOptions().dtype(dtype));
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : saved->parameters()) parameter.normal_();
    SaveParameters(*saved, dir_ / "base");
    LoadParameters(io::Checkpoint::Open(dir_ / "base"), *loaded, "");
    for (const auto& item : saved->named_parameters())
      EXPECT_TRUE(at::equal(item.value(), loaded->named_parameters()[item.key()])) << item.key();
  }
}

// As anywhere but on the host, where a tensor's numbers have an address and one file's order.
TEST_F(Weights, WhatCannotBeReadInPlaceIsReadThroughACopy) {
  const io::Checkpoint checkpoint = io::Checkpoint::Open(dir_ / "base");
  const std::string name = "model.layers.0.mlp.up_proj.weight";
  const at::Tensor plain = at::empty({32, 16}), transposed = at::empty({16, 32}).t();
  LoadTensor(checkpoint, name, plain);
  LoadTensor(checkpoint, name, transposed);
  EXPECT_TRUE(at::equal(plain, transposed));
  EXPECT_THAT(test::MessageOf([&] {
                LoadTensor(checkpoint, name, at::empty({16, 32}));
              }),
              HasSubstr("has shape [32, 16], the configuration asks for [16, 32]"));
}

}  // namespace
}  // namespace gemtune::model
