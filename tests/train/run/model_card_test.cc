#include "gemtune/train/run/model_card.h"

#include <gmock/gmock.h>

#include "tests/train/quadratic.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;
using testing::Not;

const Metrics kSummary = {{"train_loss", 0.25},
                          {"train_steps", 12},
                          {"train_runtime", 65.0},
                          {"train_tokens_per_second", 1000.0},
                          {"test", {{"loss", 0.5}, {"accuracy", 0.75}, {"auroc", nullptr}}}};

RunOptions Options() {
  return {.model = "google/gemma-3-270m",
          .data = {.train_files = {"data/a`b|c.parquet"}, .test_files = {"data/t.csv"}},
          .output_dir = "out/my \"model\""};
}

TEST(ModelCard, HasMetadataResultsDataAndCommands) {
  const data::Dataset data = test::Numbers({1, 2, 3});
  const std::string card =
      ModelCardText(Options(), {.train = &data, .validation = nullptr, .test = &data}, kSummary,
                    {.text = "model = \"x\"\n", .commands = {{"Use it", "gemtune predict"}}});
  EXPECT_TRUE(card.starts_with("---\nlibrary_name: transformers\npipeline_tag: text-classification\n"));
  EXPECT_THAT(card, HasSubstr("base_model: \"google/gemma-3-270m\"\nbase_model_relation: finetune\n"));
  EXPECT_THAT(card, HasSubstr("- name: \"my \\\"model\\\"\"\n  results:\n"));
  EXPECT_THAT(card, HasSubstr("    - type: accuracy\n      value: 0.75\n      name: accuracy\n"));
  EXPECT_THAT(card, Not(HasSubstr("auroc")));
  EXPECT_THAT(card, HasSubstr("| training | `a'b'c.parquet` | 3 | 3 | 0 |"));
  EXPECT_THAT(card, HasSubstr("| test | accuracy | 0.7500 |"));
  EXPECT_THAT(card, HasSubstr("## Use it\n\n```sh\ngemtune predict\n```"));
  EXPECT_THAT(card, HasSubstr("```toml\nmodel = \"x\"\n```"));
}

TEST(ModelCard, NamesNoPathAsTheBaseAndAnAdapterAsOne) {
  const data::Dataset data = test::Numbers({1});
  RunOptions options = Options();
  options.model = "/somewhere/model.gguf";
  options.method = "lora";
  Metrics summary = kSummary;
  summary.erase("test");
  const std::string card =
      ModelCardText(options, {.train = &data, .validation = nullptr, .test = nullptr}, summary, {});
  EXPECT_THAT(card, HasSubstr("library_name: peft\n"));
  EXPECT_THAT(card, Not(HasSubstr("base_model")));
  EXPECT_THAT(card, Not(HasSubstr("model-index")));
  EXPECT_THAT(card, HasSubstr("Trained without validation."));
  EXPECT_THAT(card, Not(HasSubstr("<details>")));
}

}  // namespace
}  // namespace gemtune::train
