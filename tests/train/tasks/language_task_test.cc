#include "gemtune/train/tasks/language_task.h"

#include <gmock/gmock.h>

#include <cmath>

#include "gemtune/infer/generate.h"
#include "gemtune/train/method.h"
#include "gemtune/train/report/run_facts.h"
#include "gemtune/train/trainer.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

class LanguageTaskTest : public test::TempDir {
 protected:
  LanguageTaskTest() { test::WriteTinyModel(dir_ / "base"); }

  std::unique_ptr<LanguageTask> Task(const std::string& name = "sft") const {
    auto task = FindTask(name).make(model::ModelSource::Open(dir_ / "base"),
                                    text::Tokenizer::Load(dir_ / "base"), Data(), TaskOptions{}, {});
    return std::unique_ptr<LanguageTask>(static_cast<LanguageTask*>(task.release()));
  }

  // Three examples; of the first of them also its first token, which nothing predicts, is marked.
  static data::Dataset Data() {
    data::Examples examples;
    examples.ids = {2, 270, 280, 2, 261, 2, 262, 263, 264, 265};
    examples.is_target = {1, 0, 1, 0, 1, 0, 1, 1, 0, 1};
    examples.offsets = {0, 3, 5, 10};
    examples.truncated = {0, 0, 0};
    examples.label_kind = data::LabelKind::kNone;
    return data::Dataset(std::move(examples));
  }

  // log p(token t | tokens before it) of an example, by the whole logits.
  static at::Tensor LogProbabilities(LanguageTask& task, const data::Dataset& dataset, int64_t example) {
    const at::NoGradGuard no_grad;
    const auto batch = data::Pack(dataset, {example});
    const at::Tensor hidden =
        task.language_model().model(infer::IdsOf(batch).clone(), ops::PackedLayout::Full(batch.cu_seqlens));
    return at::log_softmax(task.language_model().model->Logits(hidden).to(at::kDouble), -1);
  }
};

TEST_F(LanguageTaskTest, TheLossIsCrossEntropyOfTheTargets) {
  const auto task = Task();
  const data::Dataset dataset = Data();
  double expected = 0;
  int64_t targets = 0, correct = 0;
  for (int64_t example = 0; example < dataset.size(); ++example) {
    const at::Tensor log_p = LogProbabilities(*task, dataset, example);
    for (int64_t t = 1; t < dataset.length(example); ++t) {
      if (dataset.is_target(example)[static_cast<size_t>(t)] == 0) continue;
      const int64_t id = dataset.ids(example)[static_cast<size_t>(t)];
      expected -= log_p[t - 1][id].item<double>();
      correct += log_p[t - 1].argmax().item<int64_t>() == id;
      ++targets;
    }
  }
  const auto batch = data::Pack(dataset, {0, 1, 2});
  EXPECT_EQ(targets, 5);
  EXPECT_EQ(task->TargetWeight(batch), targets);
  EXPECT_NEAR(task->LossSum(batch).item<double>(), expected, 1e-5 * expected);
  const Metrics metrics = task->Evaluate(dataset);
  EXPECT_NEAR(metrics["loss"].get<double>(), expected / 5, 1e-5 * expected);
  EXPECT_NEAR(metrics["perplexity"].get<double>(), std::exp(expected / 5), 1e-4 * std::exp(expected / 5));
  EXPECT_DOUBLE_EQ(metrics["token_accuracy"].get<double>(), static_cast<double>(correct) / 5);
  EXPECT_EQ(metrics["targets"], targets);
  for (const ScalarMetric& metric : FindTask("sft").metrics)
    EXPECT_TRUE(metrics.contains(metric.name)) << metric.name;
}

// Answers that the model itself would write, and others.
TEST_F(LanguageTaskTest, WritesAnswersAndComparesThem) {
  Task()->Save(dir_ / "saved");
  TaskOptions options;
  options.predict_with_generate = true;
  options.max_new_tokens = 3;
  const auto open = [&] {
    auto task = OpenTrained(dir_ / "saved", "sft", options);
    return std::unique_ptr<LanguageTask>(static_cast<LanguageTask*>(task.release()));
  };
  const auto task = open();
  const std::vector<infer::Prompt> prompts = {{.ids = {2, 270, 280}}, {.ids = {2, 262}}};
  data::Examples examples;
  examples.label_kind = data::LabelKind::kNone;
  infer::Generate(task->language_model(), prompts, {.max_new_tokens = 3},
                  {.on_done = [&](int64_t prompt, const infer::Generation& generation) {
                    std::vector<int32_t> ids = prompts[static_cast<size_t>(prompt)].ids;
                    examples.is_target.insert(examples.is_target.end(), ids.size(), 0);
                    examples.is_target.insert(examples.is_target.end(), generation.ids.size(), 1);
                    ids.insert(ids.end(), generation.ids.begin(), generation.ids.end());
                    examples.ids.insert(examples.ids.end(), ids.begin(), ids.end());
                    examples.offsets.push_back(std::ssize(examples.ids));
                    examples.truncated.push_back(0);
                  }});
  EXPECT_EQ(task->Evaluate(data::Dataset(examples))["exact_match"], 1.0);
  const data::Dataset dataset(examples);
  const auto answers = task->WriteAnswers(dataset, /*examples=*/5, /*max_new_tokens=*/3);
  ASSERT_EQ(answers.size(), 2u);
  for (const auto& answer : answers) EXPECT_EQ(answer.text, answer.reference);
  // As a report keeps them: what was written before training, then what was written after it.
  const data::DataSplits splits{.train = &dataset, .validation = nullptr, .test = nullptr};
  const auto shown = Generations(*task, splits, "after", Generations(*task, splits, "before", {}));
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0]["reference"], answers[0].reference);
  EXPECT_EQ(shown[0]["before"], shown[0]["after"]);
  EXPECT_TRUE(Generations(*Task("clm"), splits, "before", {}).empty());
  examples.ids.back() = examples.ids.back() == 270 ? 271 : 270;
  EXPECT_EQ(task->Evaluate(data::Dataset(examples))["exact_match"], 0.5);
  options.answer_regex = "number";
  EXPECT_THAT(test::MessageOf([&] { open()->Evaluate(data::Dataset(examples)); }),
              testing::HasSubstr("example 1: `answer_regex` finds nothing in the expected answer"));
  options.answer_regex = "(";
  EXPECT_THAT(test::MessageOf([&] { open()->Evaluate(data::Dataset(examples)); }),
              testing::HasSubstr("`answer_regex` '(' is not a regular expression"));
}

TEST_F(LanguageTaskTest, ABatchIsItsExamplesOneByOne) {
  const auto task = Task();
  const data::Dataset dataset = Data();
  task->LossSum(data::Pack(dataset, {0, 1, 2})).backward();
  const at::Tensor together = task->trunk()->embed_tokens()->weight.grad().to_dense().clone();
  task->module().zero_grad();
  double alone = 0;
  for (int64_t i = 0; i < 3; ++i) {
    const auto batch = data::Pack(dataset, {i});
    const at::Tensor loss = task->LossSum(batch);
    alone += loss.item<double>();
    loss.backward();
  }
  EXPECT_LT(test::MaxDifference(task->trunk()->embed_tokens()->weight.grad().to_dense(), together), 1e-4);
  EXPECT_NEAR(task->LossSum(data::Pack(dataset, {2, 0, 1})).item<double>(), alone, 1e-4);
}

TEST_F(LanguageTaskTest, LinesAreOfEachExample) {
  const auto task = Task();
  std::vector<double> losses;
  int64_t targets = 0;
  task->Predict(Data(), false, [&](const nlohmann::ordered_json& line) {
    losses.push_back(line["loss"]);
    targets += line["targets"].get<int64_t>();
    EXPECT_DOUBLE_EQ(line["perplexity"].get<double>(), std::exp(losses.back()));
  });
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_EQ(targets, 5);
  EXPECT_NEAR((losses[0] + losses[1] + 3 * losses[2]) / 5, task->Evaluate(Data())["loss"].get<double>(),
              1e-6);
}

std::vector<double> Losses(LanguageTask& task, const data::Dataset& train,
                           const std::filesystem::path& directory, bool keep) {
  class Recorder : public Observer {
   public:
    void OnStep(const StepReport& report) override { losses.push_back(report.loss); }
    void OnEvaluate(const EvaluationReport& report) override { losses.push_back(report.metrics["loss"]); }
    std::vector<double> losses;
  } recorder;
  if (keep) task.KeepFrozenStates(train, &train, {.max_memory_bytes = 1 << 20});
  Trainer(task, train, &train, {.batch_size = 2, .num_train_epochs = 3, .learning_rate = 1e-2}, directory,
          {&recorder})
      .Run();
  return recorder.losses;
}

TEST_F(LanguageTaskTest, EveryMethodLearns) {
  const data::Dataset train = Data();
  for (const char* method : {"full", "freeze", "lora"}) {
    const auto task = Task();
    MethodOptions options;
    if (std::string(method) == "freeze") options.trainable_layers = "4-";
    FindMethod(method).select(task->module(), options);
    if (FindMethod(method).has_adapter) task->pretrained().AddAdapter({}, (dir_ / "base").string(), 1);
    const std::vector<double> losses = Losses(*task, train, dir_ / method, /*keep=*/false);
    EXPECT_LT(losses.back(), losses.front()) << method;
  }
}

TEST_F(LanguageTaskTest, KeptStatesTrainAsTheWholeModelDoes) {
  const data::Dataset train = Data();
  for (const MethodOptions& options :
       {MethodOptions{.trainable_layers = "4-"}, MethodOptions{.trainable_parameters = "model.norm"}}) {
    std::vector<std::vector<double>> losses;
    for (const bool keep : {false, true}) {
      const auto task = Task();
      FindMethod("freeze").select(task->module(), options);
      losses.push_back(Losses(*task, train, dir_ / "out", keep));
    }
    ASSERT_EQ(losses[0].size(), 9u);
    EXPECT_THAT(losses[1], testing::Pointwise(testing::DoubleNear(1e-5), losses[0]));
  }
}

TEST_F(LanguageTaskTest, AModelWithoutAHeadOfItsOwnHasNoHeadToTrain) {
  EXPECT_THAT(test::MessageOf([&] { FindMethod("head").select(Task()->module(), {}); }),
              testing::HasSubstr("`method` head: the head of a language model is its embedding"));
}

TEST_F(LanguageTaskTest, FlopsCountTheHead) {
  const auto task = Task();
  const auto batch = data::Pack(Data(), {0, 1, 2});
  const model::PassFlops all = task->CountFlops(batch);
  const int64_t head = 2 * 5 * 288 * 16;
  const auto layout = ops::PackedLayout::Full(batch.cu_seqlens)
                          .WithRows(model::FindNextTokens(batch.ids, batch.cu_seqlens, batch.is_target).rows);
  const model::PassFlops layers = model::CountFlops(task->module(), task->language_model().config, layout);
  EXPECT_EQ(all.total() - layers.total(), 3 * head);
  task->trunk()->embed_tokens()->weight.set_requires_grad(false);
  EXPECT_EQ(task->CountFlops(batch).weight_gradient,
            model::CountFlops(task->module(), task->language_model().config, layout).weight_gradient);
}

TEST_F(LanguageTaskTest, ALossThatIsNotFiniteIsAnErrorWhereAsked) {
  TaskOptions options;
  options.must_be_finite = true;
  Task()->Save(dir_ / "saved");
  const auto task = OpenTrained(dir_ / "saved", "clm", options);
  const at::NoGradGuard no_grad;
  task->trunk()->embed_tokens()->weight[261].fill_(NAN);
  EXPECT_THAT(test::MessageOf([&] { task->Evaluate(Data()); }),
              testing::HasSubstr("'model.embed_tokens.weight' holds numbers that are not finite"));
}

}  // namespace
}  // namespace gemtune::train
