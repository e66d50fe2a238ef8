#include "gemtune/model/source.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/io/hub/cache.h"
#include "tests/support/hub_environment.h"
#include "tests/support/message_of.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

class Source : public test::HubEnvironment {};

TEST_F(Source, CopiesKeepTheFilesOpen) {
  test::WriteTinyModel(dir_);
  std::optional<ModelSource> first = ModelSource::Open(dir_);
  const ModelSource copy = *first;
  first.reset();
  std::filesystem::remove(dir_ / "model.safetensors");
  EXPECT_EQ(copy.path, dir_);
  EXPECT_EQ(copy.config.num_hidden_layers, 7);
  const at::Tensor norm = at::empty({16});
  LoadTensor(copy.checkpoint, "model.norm.weight", norm);
  EXPECT_GT(norm.abs().max().item<float>(), 0);
}

TEST_F(Source, AnotherModelIsAnErrorOfItsConfiguration) {
  test::WriteTinyModel(dir_);
  WriteFileAtomically(dir_ / "config.json", R"({"model_type": "llama"})");
  EXPECT_THAT(test::MessageOf([&] { ModelSource::Open(dir_); }),
              testing::StartsWith(dir_.string() + ": config"));
}

TEST_F(Source, AModelByItsNameInTheCache) {
  const io::hub::RepoCache cache(dir_, "owner/tiny");
  const std::string commit(40, 'a');
  test::WriteTinyModel(cache.Snapshot(commit));
  cache.SetRef("main", commit);
  Set("HF_HUB_CACHE", dir_.string());
  EXPECT_EQ(ModelSource::Open("owner/tiny").path, cache.Snapshot(commit));
  EXPECT_THAT(test::MessageOf([&] { ModelSource::Open("owner/other"); }),
              testing::HasSubstr("gemtune fetch owner/other"));
}

}  // namespace
}  // namespace gemtune::model
