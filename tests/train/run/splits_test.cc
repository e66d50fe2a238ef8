#include "gemtune/train/run/splits.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/train/run/run_files.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

class SplitsTest : public RunFiles {
 protected:
  Splits Load() const {
    return LoadSplits(options_, model::ModelSource::Open(options_.model),
                      text::Tokenizer::Load(options_.model));
  }
};

TEST_F(SplitsTest, OtherDataHaveTheTrainingDatasLabels) {
  WriteFileAtomically(dir_ / "test.jsonl", "{\"text\": \"gh\", \"label\": \"good\"}\n");
  options_.data.test_files = {(dir_ / "test.jsonl").string()};
  const Splits splits = Load();
  EXPECT_EQ(splits.train.labels().names, (std::vector<std::string>{"bad", "good"}));
  EXPECT_EQ(splits.test->label(0)[0], 1);
  EXPECT_FALSE(splits.validation);
}

TEST_F(SplitsTest, AShareBecomesValidationData) {
  options_.data.validation_split = 0.25;
  const Splits splits = Load();
  EXPECT_EQ(splits.train.size(), 24);
  EXPECT_EQ(splits.validation->size(), 8);
}

TEST_F(SplitsTest, TakesTheFirstSoMany) {
  options_.data.max_train_samples = 5;
  EXPECT_EQ(Load().train.size(), 5);
}

TEST_F(SplitsTest, ATokenWithoutAnEmbeddingIsNamedBeforeWeightsAreRead) {
  auto source = model::ModelSource::Open(options_.model);
  source.config.vocab_size = 200;
  EXPECT_THAT(test::MessageOf([&] { LoadSplits(options_, source, text::Tokenizer::Load(options_.model)); }),
              HasSubstr("data.jsonl: example 1 holds "));
}

}  // namespace
}  // namespace gemtune::train
