#include "gemtune/train/tasks/sequence_task.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/model/stored_head.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/cross_entropy.h"
#include "gemtune/ops/host_memory.h"
#include "gemtune/train/probability_metrics.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

// What classes and their probabilities give; all numbers stand before the tables.
Metrics Joined(const Metrics& classes, const Metrics& probabilities) {
  Metrics joined;
  for (const bool is_table : {false, true}) {
    for (const Metrics* part : {&classes, &probabilities}) {
      for (const auto& [name, value] : part->items()) {
        if (value.is_structured() == is_table) joined[name] = value;
      }
    }
  }
  return joined;
}

std::vector<ScalarMetric> WithProbabilities(std::vector<ScalarMetric> metrics) {
  for (const std::string& name : ProbabilityMetricNames())
    metrics.push_back({name, name == "auroc" || name == "average_precision"});
  return metrics;
}

// One class per example.

at::Tensor SingleLabelLoss(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions& options) {
  return ops::CrossEntropySum(logits, labels.squeeze(-1).to(at::kLong), options.label_smoothing_factor);
}

Metrics MeasureSingleLabel(const at::Tensor& logits, const at::Tensor& labels, const Names& names) {
  const at::Tensor target = labels.squeeze(-1).to(at::kLong), prediction = logits.argmax(-1);
  const auto targets = ops::HostValues<int64_t>(target);
  const Metrics metrics = SingleLabelMetrics(targets, ops::HostValues<int64_t>(prediction), names);
  if (names.size() < 2) return metrics;
  return Joined(metrics, ProbabilityMetrics(ops::HostValues<float>(logits), targets, names));
}

Json ScoreTable(const infer::Prediction& prediction, const Names& names) {
  Json table = Json::object();
  for (size_t c = 0; c < names.size(); ++c) table[names[c]] = prediction.scores[c];
  return table;
}

Json SingleLabelLine(const infer::Prediction& prediction, const Names& names) {
  return {
      {"label", prediction.label}, {"score", prediction.score}, {"scores", ScoreTable(prediction, names)}};
}

// Any number of classes per example.

at::Tensor MultiLabelLoss(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions&) {
  return at::binary_cross_entropy_with_logits(logits.to(at::kFloat), labels, {}, {}, at::Reduction::Sum);
}

Metrics MeasureMultiLabel(const at::Tensor& logits, const at::Tensor& labels, const Names& names) {
  const at::Tensor target = labels.to(at::kByte), prediction = (logits > 0).to(at::kByte);  // sigmoid > 1/2
  const auto targets = ops::HostValues<uint8_t>(target);
  return Joined(MultiLabelMetrics(targets, ops::HostValues<uint8_t>(prediction), names),
                MultiLabelProbabilityMetrics(ops::HostValues<float>(logits), targets, names));
}

Json MultiLabelLine(const infer::Prediction& prediction, const Names& names) {
  return {{"labels", prediction.labels}, {"scores", ScoreTable(prediction, names)}};
}

// Regression.

at::Tensor RegressionLoss(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions&) {
  return at::mse_loss(logits.to(at::kFloat), labels, at::Reduction::Sum);
}

Metrics MeasureRegression(const at::Tensor& logits, const at::Tensor& labels, const Names& names) {
  return RegressionMetrics(ops::HostValues<float>(labels), ops::HostValues<float>(logits), names.size());
}

Json RegressionLine(const infer::Prediction& prediction, const Names&) {
  if (prediction.scores.size() == 1) return {{"value", prediction.scores.front()}};
  return {{"values", prediction.scores}};
}

// The labels of all examples as one matrix [N, label_width] fp32.
at::Tensor LabelMatrix(const data::Dataset& dataset) {
  at::Tensor labels = at::empty({dataset.size(), dataset.label_width()}, at::kFloat);
  auto out = ops::HostValues<float>(labels).begin();
  for (int64_t i = 0; i < dataset.size(); ++i) out = std::ranges::copy(dataset.label(i), out).out;
  return labels;
}

model::ClassifierHead HeadFor(const SequenceKind& kind, const data::Dataset& train) {
  model::ClassifierHead head{.problem_type = kind.problem_type, .label_names = train.labels().names};
  if (head.label_names.empty()) head.label_names = {"LABEL_0"};  // of regression with one output
  return head;
}

void ReadTraining(const SequenceKind& kind, const model::ModelSource& source, const TaskOptions& task,
                  data::DatasetOptions& options) {
  options.label_kind = kind.label_kind;
  if (!task.label_names.empty()) {
    options.labels = data::LabelSet{task.label_names};
    return;
  }
  const auto before = model::FindHead(source);
  const bool has_classes = kind.label_kind != data::LabelKind::kRegression;
  if (before && has_classes && before->problem_type != "regression")
    options.known_labels = data::LabelSet{before->label_names};
}

TaskOutline SequenceOutline(const model::ModelSource& source, int64_t num_outputs,
                            const model::LoadOptions& load) {
  model::SequenceClassifier outline = model::Outline(source, num_outputs, load);
  return {.module = outline.ptr(), .trunk = outline->trunk()};
}

TaskRow RowOf(const SequenceKind& kind) {
  return {
      .name = kind.task,
      .columns = {"text_column", "text_pair_column", "label_column"},
      .options = kind.options,
      .metrics = kind.metrics,
      .pipeline_tag = "text-classification",  // regression, too
      .read = [&kind](const model::ModelSource& source, const TaskOptions& task,
                      data::DatasetOptions& options) { ReadTraining(kind, source, task, options); },
      .head_note =
          [&kind](const model::ModelSource& source, const data::Dataset& train) {
            const auto before = model::FindHead(source);
            return before ? model::DescribeHead(*before, HeadFor(kind, train)) : std::string();
          },
      .num_outputs =
          [&kind](const data::Dataset& train) { return std::ssize(HeadFor(kind, train).label_names); },
      .count_rows = [](const data::Dataset&, int64_t) { return int64_t{1}; },
      .outline = SequenceOutline,
      .make = [&kind](const model::ModelSource& source, text::Tokenizer tokenizer, const data::Dataset& train,
                      const TaskOptions& task, const model::LoadOptions& load) -> std::unique_ptr<Task> {
        return std::make_unique<SequenceTask>(
            std::make_unique<model::PretrainedClassifier>(model::PretrainedClassifier::FromBase(
                source, std::move(tokenizer), HeadFor(kind, train), load)),
            task);
      },
      .open =
          [&kind](const std::filesystem::path& path, const TaskOptions& task, const model::LoadOptions& load,
                  const std::filesystem::path& base_model) {
            std::unique_ptr<Task> opened = OpenSequenceTask(path, task, load, base_model);
            const std::string& trained_for = static_cast<SequenceTask&>(*opened).kind().task;
            if (trained_for != kind.task)
              Fail("{}: was trained for `task` {}, not {}", path.string(), trained_for, kind.task);
            return opened;
          }};
}

}  // namespace

const std::vector<SequenceKind>& SequenceKinds() {
  static const std::vector<SequenceKind> kinds = {
      {.task = "classification",
       .problem_type = "single_label_classification",
       .label_kind = data::LabelKind::kSingle,
       .options = {"label_names", "label_smoothing_factor"},
       .metrics = WithProbabilities({{"loss", false}, {"accuracy", true}, {"macro_f1", true}}),
       .loss_sum = SingleLabelLoss,
       .measure = MeasureSingleLabel,
       .line = SingleLabelLine},
      {.task = "multi-label",
       .problem_type = "multi_label_classification",
       .label_kind = data::LabelKind::kMultiLabel,
       .options = {"label_names"},
       .metrics =
           WithProbabilities({{"loss", false}, {"accuracy", true}, {"micro_f1", true}, {"macro_f1", true}}),
       .loss_sum = MultiLabelLoss,
       .measure = MeasureMultiLabel,
       .line = MultiLabelLine},
      {.task = "regression",
       .problem_type = "regression",
       .label_kind = data::LabelKind::kRegression,
       .options = {},
       .metrics = {{"loss", false}, {"mse", false}, {"mae", false}, {"pearson", true}},
       .loss_sum = RegressionLoss,
       .measure = MeasureRegression,
       .line = RegressionLine},
  };
  return kinds;
}

const SequenceKind& FindSequenceKind(std::string SequenceKind::*column, const std::string& value) {
  Names known;
  for (const SequenceKind& kind : SequenceKinds()) {
    if (kind.*column == value) return kind;
    known.push_back(kind.*column);
  }
  Fail("{} '{}' is not known; known: {}", column == &SequenceKind::task ? "task" : "problem_type",
       Printable(value), fmt::join(known, ", "));
}

std::unique_ptr<Task> OpenSequenceTask(const std::filesystem::path& path, const TaskOptions& task,
                                       const model::LoadOptions& load,
                                       const std::filesystem::path& base_model) {
  return std::make_unique<SequenceTask>(std::make_unique<model::PretrainedClassifier>(
                                            model::PretrainedClassifier::FromTrained(path, load, base_model)),
                                        task);
}

std::vector<TaskRow> SequenceTaskRows() {
  std::vector<TaskRow> rows;
  for (const SequenceKind& kind : SequenceKinds()) rows.push_back(RowOf(kind));
  return rows;
}

SequenceTask::SequenceTask(std::unique_ptr<model::PretrainedClassifier> classifier, TaskOptions options)
    : Task(std::move(classifier), std::move(options)),
      classifier_(static_cast<model::PretrainedClassifier&>(pretrained())),
      kind_(FindSequenceKind(&SequenceKind::problem_type, classifier_.head.problem_type)) {}

int64_t SequenceTask::CountTargets(const data::PackedBatch& batch) const {
  return static_cast<int64_t>(batch.labels.size());
}

at::Tensor SequenceTask::Outputs(const data::PackedBatch& batch) {
  return classifier_.model(infer::IdsOf(batch), batch.cu_seqlens);
}

at::Tensor SequenceTask::StatesBefore(int64_t stage, const data::PackedBatch& batch) {
  return classifier_.model->StatesBefore(stage, infer::IdsOf(batch), batch.cu_seqlens);
}

at::Tensor SequenceTask::OutputsOfStates(int64_t stage, const at::Tensor& states,
                                         const data::PackedBatch& batch) {
  return classifier_.model->FromStates(stage, states, infer::IdsOf(batch), batch.cu_seqlens);
}

// After the last layer only the token by which a text is judged is left.
int64_t SequenceTask::StateRows(int64_t stage, const data::Dataset& dataset, int64_t example) const {
  return stage > classifier_.config.num_hidden_layers ? 1 : dataset.length(example);
}

at::Tensor SequenceTask::LossSum(const data::PackedBatch& batch) {
  const int64_t label_width = static_cast<int64_t>(batch.labels.size()) / batch.num_sequences();
  // A view of the batch's vector; the caller keeps the batch until forward and backward are done.
  const at::Tensor labels = ops::HostView(std::span(batch.labels), {batch.num_sequences(), label_width});
  const at::Tensor logits = TrainingOutputs(batch);
  return kind_.loss_sum(logits, ops::Upload(labels, logits.device()), options_);
}

at::Tensor SequenceTask::LogitsOf(const data::Dataset& dataset) {
  const at::Tensor logits = infer::Logits(OutputsOn(dataset), std::ssize(classifier_.head.label_names),
                                          dataset, options_.evaluation);
  if (options_.must_be_finite) infer::CheckFinite(logits, dataset, module());
  return logits;
}

Metrics SequenceTask::Evaluate(const data::Dataset& dataset) {
  const at::Tensor logits = LogitsOf(dataset), labels = LabelMatrix(dataset);
  const double loss_sum = kind_.loss_sum(logits, labels, options_).item<double>();
  Metrics metrics = {{"loss", loss_sum / static_cast<double>(labels.numel())}};
  metrics.update(kind_.measure(logits, labels, classifier_.head.label_names));
  return metrics;
}

void SequenceTask::Read(data::DatasetOptions& options) const {
  options.label_kind = kind_.label_kind;
  options.labels = data::LabelSet{classifier_.head.label_names};
}

void SequenceTask::Predict(const data::Dataset& dataset, bool with_logits,
                           const std::function<void(const Json& line)>& visit) {
  constexpr int64_t kRowsAtOnce = 4096;  // a Prediction takes many times the memory of its logits
  for (const at::Tensor& logits : LogitsOf(dataset).split(kRowsAtOnce)) {
    for (const infer::Prediction& prediction : infer::Predictions(logits, classifier_.head)) {
      Json line = kind_.line(prediction, classifier_.head.label_names);
      if (with_logits) line["logits"] = prediction.logits;
      visit(line);
    }
  }
}

Task::Explained SequenceTask::ExplainText(Explain explain, std::span<const int32_t> ids,
                                          const infer::ExplainOptions& options) {
  Explained explained{.explanation = explain(classifier_.model, ids, options)};
  const auto output = static_cast<size_t>(explained.explanation.output);
  if (kind_.label_kind != data::LabelKind::kRegression)
    explained.label = classifier_.head.label_names[output];
  return explained;
}

model::PassFlops SequenceTask::CountFlops(const data::PackedBatch& batch) {
  const auto rows = model::PooledRows(batch.ids, batch.cu_seqlens, classifier_.config.pad_token_id);
  return model::CountFlops(*classifier_.model, classifier_.config,
                           ops::PackedLayout::Full(batch.cu_seqlens).WithRows(rows));
}

}  // namespace gemtune::train
