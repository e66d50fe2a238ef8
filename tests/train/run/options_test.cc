#include "gemtune/train/run/options.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

std::string Complaint(const RunOptions& options) {
  return test::MessageOf([&] { Completed(options); });
}

TEST(RunOptions, TakeTheMethodsLearningRateUnlessThereIsOne) {
  EXPECT_EQ(Completed({.method = "lora"}).trainer.learning_rate, FindMethod("lora").learning_rate);
  EXPECT_EQ(Completed({.method = "lora", .learning_rate = 0.5}).trainer.learning_rate, 0.5);
}

TEST(RunOptions, KnowWhichWayAMetricIsBetter) {
  RunOptions options;
  EXPECT_FALSE(Completed(options).trainer.greater_is_better);
  options.trainer.metric_for_best_model = "accuracy";
  EXPECT_TRUE(Completed(options).trainer.greater_is_better);
  options.trainer.metric_for_best_model = "acuracy";
  EXPECT_THAT(Complaint(options),
              HasSubstr("'acuracy' is not a metric of `task` classification (did you mean "
                        "'accuracy'?); its metrics: loss, accuracy, macro_f1"));
}

TEST(RunOptions, PackingFillsBatchesOfExamplesOfTheGreatestLength) {
  RunOptions options{.trainer = {.batch_size = 3, .packing = true}};
  EXPECT_EQ(Completed(options).trainer.max_tokens_per_batch, 3 * 512);
  options.trainer.max_tokens_per_batch = 100;
  EXPECT_EQ(Completed(options).trainer.max_tokens_per_batch, 100);
  options.trainer.max_tokens_per_batch = 0;
  options.data.reading.max_length = 0;
  EXPECT_THAT(Complaint(options), HasSubstr("`packing` without `max_length`"));
}

TEST(RunOptions, ThatContradictEachOtherAreRefused) {
  EXPECT_THAT(Complaint({.cache_frozen = true, .neftune_noise_alpha = 5}),
              HasSubstr("`neftune_noise_alpha` and `cache_frozen` exclude each other"));
  EXPECT_THAT(Complaint({.data = {.validation_files = {"a"}, .validation_split = 0.5}}),
              HasSubstr("`validation_file` and `validation_split` exclude each other"));
  EXPECT_THAT(Complaint({.resume_from_checkpoint = "auto", .overwrite_output_dir = true}),
              HasSubstr("`resume_from_checkpoint` and `overwrite_output_dir` exclude each other"));
  EXPECT_EQ(Complaint({.task = "multi-label", .task_options = {.label_smoothing_factor = 0.1}}),
            "`label_smoothing_factor` is for `task` classification");
  EXPECT_EQ(Complaint({.task = "regression", .task_options = {.label_names = {"a"}}}),
            "`label_names` is for `task` classification or multi-label");
  EXPECT_THAT(Complaint({.task = "ranking"}), HasSubstr("'ranking' is not known"));
}

}  // namespace
}  // namespace gemtune::train
