#include "gemtune/infer/generate.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "tests/support/cuda_on_host.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::infer {
namespace {

using testing::HasSubstr;

class GenerateTest : public test::TempDir {
 protected:
  GenerateTest() : model_(Load()) {}

  model::PretrainedCausalLm Load(at::ScalarType dtype = at::kFloat) {
    test::WriteTinyModel(dir_ / "model");
    return model::PretrainedCausalLm::FromTrained(dir_ / "model", {.dtype = dtype});
  }

  // Of random letters, of these lengths.
  static std::vector<Prompt> Prompts(const std::vector<int64_t>& lengths) {
    std::vector<Prompt> prompts;
    at::manual_seed(1);
    for (const int64_t length : lengths) {
      const at::Tensor ids = at::randint(261, 288, {length}, at::kInt);
      const auto values = ops::HostValues<const int32_t>(ids);
      prompts.push_back({.ids = {values.begin(), values.end()}});
    }
    return prompts;
  }

  std::vector<Generation> Run(std::span<const Prompt> prompts, const GenerateOptions& options,
                              const GenerateObserver& more = {}) {
    std::vector<Generation> results(prompts.size());
    GenerateObserver observer = more;
    observer.on_done = [&](int64_t prompt, const Generation& result) {
      results[static_cast<size_t>(prompt)] = result;
    };
    Generate(model_, prompts, options, observer);
    return results;
  }

  // The most probable next token again and again, each from a whole forward pass.
  std::vector<int32_t> Naive(std::vector<int32_t> ids, int64_t count) {
    const at::NoGradGuard no_grad;
    std::vector<int32_t> generated;
    for (int64_t i = 0; i < count; ++i) {
      const auto size = std::ssize(ids);
      const auto layout = ops::PackedLayout::Full({0, static_cast<int32_t>(size)}).WithRows({size - 1});
      const at::Tensor hidden =
          model_.model(at::tensor(std::vector<int64_t>(ids.begin(), ids.end())), layout);
      ids.push_back(static_cast<int32_t>(model_.model->Logits(hidden).argmax(-1).item<int64_t>()));
      generated.push_back(ids.back());
    }
    return generated;
  }

  model::PretrainedCausalLm model_;
};

std::vector<std::vector<int32_t>> Ids(const std::vector<Generation>& results) {
  std::vector<std::vector<int32_t>> ids;
  for (const Generation& result : results) ids.push_back(result.ids);
  return ids;
}

// Past the window of 8, with more prompts than places, cut at a few tokens per pass.
TEST_F(GenerateTest, EqualsWholeForwardPassesForAnyBatch) {
  const std::vector<Prompt> prompts = Prompts({1, 30, 9, 2, 17, 8});
  std::vector<std::vector<int32_t>> expected;
  for (const Prompt& prompt : prompts) expected.push_back(Naive(prompt.ids, 40));
  for (const int64_t max_sequences : {1, 2, 4, 32}) {
    for (const int64_t max_tokens : {1, 5, 11, 2048}) {
      const auto results = Run(
          prompts, {.max_new_tokens = 40, .max_sequences = max_sequences, .max_tokens_per_pass = max_tokens});
      EXPECT_EQ(Ids(results), expected) << max_sequences << " sequences, " << max_tokens << " tokens";
    }
  }
}

// A row that ends makes room for the next while others go on.
TEST_F(GenerateTest, RowsEndOnTheirOwn) {
  const std::vector<Prompt> prompts = Prompts({5, 6, 7, 8, 9});
  const std::vector<int32_t> first = Naive(prompts[0].ids, 30);
  const GenerateOptions options = {.eos_token_ids = {first[3]}, .max_new_tokens = 30, .max_sequences = 2};
  const auto results = Run(prompts, options);
  EXPECT_EQ(results[0].reason, FinishReason::kStop);
  for (size_t i = 0; i < prompts.size(); ++i) {
    std::vector<int32_t> expected = Naive(prompts[i].ids, 30);
    const auto end = std::find(expected.begin(), expected.end(), first[3]);
    EXPECT_EQ(results[i].reason, end == expected.end() ? FinishReason::kLength : FinishReason::kStop);
    if (end != expected.end()) expected.erase(end + 1, expected.end());
    EXPECT_EQ(results[i].ids, expected) << i;
  }
  GenerateOptions longer = options;
  longer.min_new_tokens = 12;
  for (const Generation& result : Run(prompts, longer)) EXPECT_GE(result.ids.size(), 12u);
}

TEST_F(GenerateTest, ASeedGivesTheSameWhateverTheBatch) {
  const std::vector<Prompt> prompts = Prompts({4, 12, 7, 3});
  GenerateOptions options = {.sampling = {.do_sample = true, .temperature = 1.5, .top_k = 20, .seed = 5},
                             .max_new_tokens = 25};
  const auto all = Run(prompts, options);
  options.max_sequences = 1;
  options.max_tokens_per_pass = 3;
  EXPECT_EQ(Ids(Run(prompts, options)), Ids(all));
  EXPECT_EQ(Run(std::span(prompts).first(1), options)[0].ids, all[0].ids);
  options.sampling.seed = 6;
  EXPECT_NE(Ids(Run(prompts, options)), Ids(all));
  // Equal prompts are not drawn alike.
  const std::vector<Prompt> twins = {prompts[0], prompts[0]};
  const auto drawn = Run(twins, options);
  EXPECT_NE(drawn[0].ids, drawn[1].ids);
}

// A card's memory is asked for the tokens that can be chosen alone.
TEST_F(GenerateTest, ACardChoosesTheSame) {
  const std::vector<Prompt> prompts = Prompts({1, 20, 9});
  const std::vector<int32_t> ends = {270, 275, 280};
  for (const SamplingOptions& sampling :
       {SamplingOptions{}, SamplingOptions{.do_sample = true, .top_k = 5, .seed = 3},
        SamplingOptions{.do_sample = true, .top_k = 0, .top_p = 0.9},
        SamplingOptions{.do_sample = true, .temperature = 2.0, .top_k = 40, .min_p = 0.01},
        SamplingOptions{.repetition_penalty = 1.3}}) {
    for (const int64_t least : {0, 6}) {
      const GenerateOptions options{
          .sampling = sampling, .eos_token_ids = ends, .max_new_tokens = 10, .min_new_tokens = least};
      const auto expected = Ids(Run(prompts, options));
      const test::WithCudaOnHost cuda_on_host;
      EXPECT_EQ(Ids(Run(prompts, options)), expected);
    }
  }
}

TEST_F(GenerateTest, StopsBeforeAText) {
  const std::vector<Prompt> prompts = Prompts({6});
  const Generation whole = Run(prompts, {.max_new_tokens = 30})[0];
  ASSERT_GT(whole.text.size(), 12u);
  const std::string stop = whole.text.substr(7, 4);
  std::string shown;
  const Generation cut = Run(prompts, {.stops = {"no such text", stop}, .max_new_tokens = 30},
                             {.on_text = [&](int64_t, const std::string& text) { shown += text; }})[0];
  EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
  EXPECT_EQ(shown, cut.text);
  EXPECT_EQ(cut.reason, FinishReason::kStop);
  EXPECT_LE(cut.ids.size(), whole.ids.size());
}

TEST_F(GenerateTest, GoesOnWhereASequenceIsABeginning) {
  CachedSequence sequence;
  std::vector<Prompt> prompts = Prompts({10});
  prompts[0].sequence = &sequence;
  const Generation first = Run(prompts, {.max_new_tokens = 15})[0];
  EXPECT_EQ(sequence.ids.size(), 10u + 14u);  // the last one was never read
  Prompt next = prompts[0];
  next.ids.insert(next.ids.end(), first.ids.begin(), first.ids.end());
  next.ids.push_back(265);
  const std::vector<int32_t> expected = Naive(next.ids, 10);
  EXPECT_EQ(Run(std::span(&next, 1), {.max_new_tokens = 10})[0].ids, expected);
  // Another conversation in the same place.
  Prompt other = Prompts({10, 12})[1];
  const std::vector<int32_t> fresh = Naive(other.ids, 10);
  other.sequence = &sequence;
  EXPECT_EQ(Run(std::span(&other, 1), {.max_new_tokens = 10})[0].ids, fresh);
}

TEST_F(GenerateTest, EndsWhenItIsCancelled) {
  const std::vector<Prompt> prompts = Prompts({3, 4, 5});
  int passes = 0;
  const auto results = Run(prompts, {.max_new_tokens = 100, .max_sequences = 2},
                           {.should_cancel = [&] { return ++passes > 4; }});
  EXPECT_EQ(results[0].reason, FinishReason::kCancelled);
  EXPECT_EQ(results[0].ids, Naive(prompts[0].ids, 4));
  EXPECT_TRUE(results[2].ids.empty());  // never begun
  EXPECT_STREQ(Name(results[1].reason), "cancelled");
}

TEST_F(GenerateTest, EndsWhereTheModelsPositionsEnd) {
  model_.config.max_position_embeddings = 12;
  const auto results = Run(Prompts({9}), {.max_new_tokens = 100});
  EXPECT_EQ(results[0].ids.size(), 3u);
  EXPECT_EQ(results[0].reason, FinishReason::kLength);
  EXPECT_THAT(test::MessageOf([&] {
                Run(Prompts({3, 12}), {});
              }),
              HasSubstr("prompt 2: has 12 tokens; the model has room for 11 and an answer"));
}

TEST_F(GenerateTest, SaysWhatCannotBe) {
  EXPECT_THAT(test::MessageOf([&] { Run(Prompts({1}), {.stops = {""}}); }),
              HasSubstr("`stop` has an empty string"));
  EXPECT_THAT(test::MessageOf([&] { Run(Prompts({1}), {.max_new_tokens = 0}); }),
              HasSubstr("`max_new_tokens` is 0"));
  EXPECT_THAT(test::MessageOf([&] { Run(std::vector<Prompt>{{}}, {}); }), HasSubstr("prompt 1: is empty"));
  EXPECT_THAT(test::MessageOf([&] { Run(std::vector<Prompt>{{.ids = {999}}}, {}); }), HasSubstr("token 999"));
}

TEST_F(GenerateTest, BFloat16IsTheSameForAnyBatchOfDecodedRows) {
  model_ = Load(at::kBFloat16);
  const std::vector<Prompt> prompts = Prompts({3, 20, 11});
  const auto together = Run(prompts, {.max_new_tokens = 40});
  EXPECT_EQ(Ids(Run(prompts, {.max_new_tokens = 40, .max_sequences = 1})), Ids(together));
}

}  // namespace
}  // namespace gemtune::infer
