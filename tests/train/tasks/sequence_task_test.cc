#include "gemtune/train/tasks/sequence_task.h"

#include <gmock/gmock.h>

#include "gemtune/train/method.h"
#include "gemtune/train/trainer.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

class SequenceTaskTest : public test::TempDir {
 protected:
  std::unique_ptr<SequenceTask> Task(const std::string& problem_type, std::vector<std::string> names,
                                     const std::vector<double>& class_weights = {}) {
    test::WriteTinyModel(dir_ / "base");
    auto classifier = std::make_unique<model::PretrainedClassifier>(model::PretrainedClassifier::FromBase(
        model::ModelSource::Open(dir_ / "base"), text::Tokenizer::Load(dir_ / "base"),
        {problem_type, std::move(names)}));
    const at::NoGradGuard no_grad;
    at::manual_seed(5);
    classifier->model->score()->weight.normal_();
    return std::make_unique<SequenceTask>(std::move(classifier), TaskOptions{}, class_weights);
  }

  // Three examples with the given labels.
  static data::Dataset Data(data::LabelKind kind, std::vector<float> labels, std::vector<std::string> names,
                            std::vector<float> weights = {}) {
    data::Examples examples;
    examples.ids = {2, 270, 280, 2, 261, 2, 262, 263, 264, 265};
    examples.offsets = {0, 3, 5, 10};
    examples.truncated = {0, 0, 0};
    examples.label_values = std::move(labels);
    examples.loss_weights = std::move(weights);
    examples.label_kind = kind;
    examples.labels.names = std::move(names);
    return data::Dataset(std::move(examples));
  }

  static at::Tensor Logits(SequenceTask& task, const data::Dataset& dataset) {
    return infer::Logits(task.classifier().model, dataset, {}).to(at::kDouble);
  }
};

// Those that --metric-for-best-model may name are there.
TEST_F(SequenceTaskTest, EvaluateGivesTheMetricsOfItsKind) {
  for (const SequenceKind& kind : SequenceKinds()) {
    const bool is_regression = kind.label_kind == data::LabelKind::kRegression;
    const std::vector<std::string> names =
        is_regression ? std::vector<std::string>{"LABEL_0"} : std::vector<std::string>{"a", "b"};
    const bool is_multi = kind.label_kind == data::LabelKind::kMultiLabel;
    const auto labels = is_multi ? std::vector<float>{1, 0, 0, 1, 1, 1} : std::vector<float>{1, 0, 1};
    const Metrics metrics = Task(kind.problem_type, names)->Evaluate(Data(kind.label_kind, labels, names));
    size_t numbers = 0;
    for (const auto& [name, value] : metrics.items()) numbers += value.is_number();
    EXPECT_EQ(numbers, kind.metrics.size()) << kind.task;
    for (const ScalarMetric& metric : kind.metrics) EXPECT_TRUE(metrics.contains(metric.name)) << metric.name;
  }
}

TEST_F(SequenceTaskTest, SingleLabelIsCrossEntropy) {
  const auto task = Task("single_label_classification", {"a", "b", "c"});
  const auto dataset = Data(data::LabelKind::kSingle, {2, 0, 1}, {"a", "b", "c"});
  const auto batch = data::Pack(dataset, {0, 1, 2});
  const at::Tensor logits = Logits(*task, dataset);
  const double expected = -(at::log_softmax(logits, -1)[0][2] + at::log_softmax(logits, -1)[1][0] +
                            at::log_softmax(logits, -1)[2][1])
                               .item<double>();
  EXPECT_EQ(task->TargetWeight(batch), 3);
  EXPECT_NEAR(task->LossSum(batch).item<double>(), expected, 1e-5);
  const Metrics metrics = task->Evaluate(dataset);
  EXPECT_NEAR(metrics["loss"].get<double>(), expected / 3, 1e-6);
  const auto best = logits.argmax(-1);
  const double right =
      ((best[0] == 2).item<double>() + (best[1] == 0).item<double>() + (best[2] == 1).item<double>()) / 3;
  EXPECT_DOUBLE_EQ(metrics["accuracy"].get<double>(), right);
}

// As torch's CrossEntropyLoss(weight=...): divided by the weights of the targets, which accumulation adds up.
TEST_F(SequenceTaskTest, WeightsOfClassesAndRowsCountInTheLossAndWhatItIsDividedBy) {
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto plain = Task("single_label_classification", names);
  const auto weighed = Task("single_label_classification", names, {0.5, 1, 4});
  auto dataset = Data(data::LabelKind::kSingle, {2, 0, 1}, names, {2, 3, 0});
  const at::Tensor log_p = at::log_softmax(Logits(*plain, dataset), -1);
  const double sum = -(2 * 4 * log_p[0][2] + 3 * 0.5 * log_p[1][0]).item<double>();
  EXPECT_DOUBLE_EQ(weighed->TargetWeight(data::Pack(dataset, {0, 1, 2})), 2 * 4 + 3 * 0.5);
  EXPECT_DOUBLE_EQ(weighed->TargetWeight(data::Pack(dataset, {2})), 0);
  EXPECT_NEAR(weighed->LossSum(data::Pack(dataset, {0, 1, 2})).item<double>(), sum, 1e-5);
  EXPECT_NEAR(weighed->Evaluate(dataset)["loss"].get<double>(), sum / 9.5, 1e-5);
  EXPECT_DOUBLE_EQ(plain->TargetWeight(data::Pack(dataset, {0, 1, 2})), 5);
}

TEST_F(SequenceTaskTest, WeightsOfLabelsAreOfTheirBeingThere) {
  const auto task = Task("multi_label_classification", {"a", "b"}, {3, 1});
  const auto dataset = Data(data::LabelKind::kMultiLabel, {1, 0, 1, 1, 0, 0}, {"a", "b"}, {1, 2, 1});
  const at::Tensor p = at::sigmoid(Logits(*task, dataset));
  const at::Tensor targets = at::tensor({1, 0, 1, 1, 0, 0}, at::kDouble).view({3, 2}),
                   rows = at::tensor({1, 2, 1}, at::kDouble).unsqueeze(-1),
                   weights = at::tensor({3, 1}, at::kDouble);
  const double sum =
      -(rows * (weights * targets * p.log() + (1 - targets) * (1 - p).log())).sum().item<double>();
  EXPECT_DOUBLE_EQ(task->TargetWeight(data::Pack(dataset, {0, 1, 2})), 2 * 4);
  EXPECT_NEAR(task->LossSum(data::Pack(dataset, {0, 1, 2})).item<double>(), sum, 1e-4);
}

TEST_F(SequenceTaskTest, WeightsOfRowsCountInRegression) {
  const auto task = Task("regression", {"LABEL_0"});
  const auto dataset = Data(data::LabelKind::kRegression, {0.5f, -1, 2}, {}, {0, 1, 3});
  const at::Tensor error = Logits(*task, dataset).squeeze(-1) - at::tensor({0.5, -1.0, 2.0});
  const double sum = (error.square() * at::tensor({0.0, 1.0, 3.0})).sum().item<double>();
  EXPECT_NEAR(task->LossSum(data::Pack(dataset, {0, 1, 2})).item<double>(), sum, 1e-4);
  EXPECT_NEAR(task->Evaluate(dataset)["loss"].get<double>(), sum / 4, 1e-5);
}

TEST_F(SequenceTaskTest, MultiLabelIsBinaryCrossEntropyPerLabel) {
  const auto task = Task("multi_label_classification", {"a", "b"});
  const auto dataset = Data(data::LabelKind::kMultiLabel, {1, 0, 1, 1, 0, 0}, {"a", "b"});
  const auto batch = data::Pack(dataset, {0, 1, 2});
  const at::Tensor targets = at::tensor({1, 0, 1, 1, 0, 0}, at::kDouble).view({3, 2});
  const at::Tensor p = at::sigmoid(Logits(*task, dataset));
  const double expected = -(targets * p.log() + (1 - targets) * (1 - p).log()).sum().item<double>();
  EXPECT_EQ(task->TargetWeight(batch), 6);
  EXPECT_NEAR(task->LossSum(batch).item<double>(), expected, 1e-4);
  const Metrics metrics = task->Evaluate(dataset);
  EXPECT_NEAR(metrics["loss"].get<double>(), expected / 6, 1e-5);
  const double rows_right = ((p > 0.5) == (targets > 0.5)).all(-1).to(at::kDouble).mean().item<double>();
  EXPECT_DOUBLE_EQ(metrics["accuracy"].get<double>(), rows_right);
}

TEST_F(SequenceTaskTest, RegressionIsSquaredError) {
  const auto task = Task("regression", {"LABEL_0"});
  const auto dataset = Data(data::LabelKind::kRegression, {0.5f, -1, 2}, {});
  const auto batch = data::Pack(dataset, {0, 1, 2});
  const at::Tensor error = Logits(*task, dataset).squeeze(-1) - at::tensor({0.5, -1.0, 2.0});
  EXPECT_EQ(task->TargetWeight(batch), 3);
  EXPECT_NEAR(task->LossSum(batch).item<double>(), error.square().sum().item<double>(), 1e-4);
  EXPECT_NEAR(task->Evaluate(dataset)["mse"].get<double>(), error.square().mean().item<double>(), 1e-5);
}

// Losses of every step and evaluation of three epochs.
std::vector<double> Losses(SequenceTask& task, const data::Dataset& train, const data::Dataset& validation,
                           const std::filesystem::path& directory, bool keep) {
  class Recorder : public Observer {
   public:
    void OnStep(const StepReport& report) override { losses.push_back(report.loss); }
    void OnEvaluate(const EvaluationReport& report) override { losses.push_back(report.metrics["loss"]); }
    std::vector<double> losses;
  } recorder;
  if (keep) task.KeepFrozenStates(train, &validation, {.max_memory_bytes = 1 << 20});
  Trainer(task, train, &validation, {.batch_size = 2, .num_train_epochs = 3, .learning_rate = 1e-2},
          directory, {&recorder})
      .Run();
  return recorder.losses;
}

TEST_F(SequenceTaskTest, KeptStatesTrainAsTheWholeModelDoes) {
  const auto train = Data(data::LabelKind::kSingle, {2, 0, 1}, {"a", "b", "c"}),
             validation = Data(data::LabelKind::kSingle, {1, 2, 0}, {"a", "b", "c"});
  for (const MethodOptions& options : {MethodOptions{}, MethodOptions{.trainable_layers = "4-"}}) {
    std::vector<std::vector<double>> losses;
    for (const bool keep : {false, true}) {
      const auto task = Task("single_label_classification", {"a", "b", "c"});
      FindMethod(options.trainable_layers.empty() ? "head" : "freeze").select(task->module(), options);
      losses.push_back(Losses(*task, train, validation, dir_ / "out", keep));
    }
    ASSERT_EQ(losses[0].size(), 9u);
    EXPECT_THAT(losses[1], testing::Pointwise(testing::DoubleNear(1e-5), losses[0]));
    EXPECT_LT(losses[0][7], losses[0][0]);
  }
}

TEST_F(SequenceTaskTest, SavesAndRestores) {
  const auto task = Task("single_label_classification", {"a", "b"});
  const at::Tensor before = task->classifier().model->score()->weight.clone();
  task->Save(dir_ / "out");
  {
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : task->module().parameters()) parameter.zero_();
  }
  task->Restore(dir_ / "out");
  EXPECT_EQ(test::MaxDifference(task->classifier().model->score()->weight, before), 0.0);
}

TEST_F(SequenceTaskTest, PredictsALineForEachExampleInItsOrder) {
  const auto task = Task("single_label_classification", {"a", "b", "c"});
  const auto dataset = Data(data::LabelKind::kSingle, {2, 0, 1}, {"a", "b", "c"});
  const at::Tensor logits = Logits(*task, dataset), scores = at::softmax(logits, -1);
  int64_t row = 0;
  task->Predict(dataset, /*with_logits=*/true, [&](const nlohmann::ordered_json& line) {
    const auto best = logits[row].argmax().item<int64_t>();
    EXPECT_EQ(line["label"], std::string(1, static_cast<char>('a' + best)));
    EXPECT_NEAR(line["score"].get<double>(), scores[row][best].item<double>(), 1e-6);
    EXPECT_NEAR(line["scores"]["b"].get<double>(), scores[row][1].item<double>(), 1e-6);
    EXPECT_NEAR(line["logits"][2].get<double>(), logits[row][2].item<double>(), 1e-6);
    ++row;
  });
  EXPECT_EQ(row, 3);
}

TEST(SequenceKinds, SayWhatAPredictionPrints) {
  const auto line = [](const char* task, const infer::Prediction& prediction) {
    return FindSequenceKind(&SequenceKind::task, task)
        .line(prediction, {.problem_type = "", .label_names = {"a", "b"}}, {})
        .dump();
  };
  EXPECT_EQ(line("classification", {.label = "b", .score = 0.75f, .scores = {0.25f, 0.75f}}),
            R"({"label":"b","score":0.75,"scores":{"a":0.25,"b":0.75}})");
  EXPECT_EQ(line("multi-label", {.labels = {"a"}, .scores = {0.75f, 0.5f}}),
            R"({"labels":["a"],"scores":{"a":0.75,"b":0.5}})");
  EXPECT_EQ(line("regression", {.scores = {1.5f}}), R"({"value":1.5})");
  EXPECT_EQ(line("regression", {.scores = {1.5f, -2.0f}}), R"({"values":[1.5,-2.0]})");
}

TEST(SequenceKinds, AreFoundByEitherName) {
  EXPECT_EQ(FindSequenceKind(&SequenceKind::task, "multi-label").label_kind, data::LabelKind::kMultiLabel);
  EXPECT_EQ(FindSequenceKind(&SequenceKind::problem_type, "regression").task, "regression");
  EXPECT_EQ(test::MessageOf([] { FindSequenceKind(&SequenceKind::problem_type, "ranking"); }),
            "problem_type 'ranking' is not known; known: single_label_classification, "
            "multi_label_classification, regression");
}

}  // namespace
}  // namespace gemtune::train
