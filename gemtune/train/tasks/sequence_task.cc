#include "gemtune/train/tasks/sequence_task.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/model/stored_head.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/host_memory.h"
#include "gemtune/train/class_weights.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;

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

void CheckTraining(const SequenceKind& kind, const data::Dataset& train, const data::Dataset* validation,
                   const TaskOptions& task) {
  ClassWeights(task.class_weights, train);
  for (const data::Dataset* dataset : {&train, validation}) {
    if (dataset == nullptr || dataset->loss_weights().empty()) continue;
    if (std::ranges::count(dataset->loss_weights(), 0.0f) == dataset->size())
      Fail("all {} {} examples have the loss weight 0", dataset->size(),
           dataset == &train ? "training" : "validation");
  }
  if (validation != nullptr && kind.check_fit != nullptr) kind.check_fit(*validation, task);
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
      .columns = {"text_column", "text_pair_column", "label_column", "loss_weight_column"},
      .options = kind.options,
      .metrics = kind.metrics,
      .pipeline_tag = "text-classification",  // regression, too
      .read = [&kind](const model::ModelSource& source, const TaskOptions& task,
                      data::DatasetOptions& options) { ReadTraining(kind, source, task, options); },
      .check = [&kind](const data::Dataset& train, const data::Dataset* validation,
                       const TaskOptions& task) { CheckTraining(kind, train, validation, task); },
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
            task, ClassWeights(task.class_weights, train));
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

SequenceTask::SequenceTask(std::unique_ptr<model::PretrainedClassifier> classifier, TaskOptions options,
                           const std::vector<double>& class_weights)
    : Task(std::move(classifier), std::move(options)),
      classifier_(static_cast<model::PretrainedClassifier&>(pretrained())),
      kind_(FindSequenceKind(&SequenceKind::problem_type, classifier_.head.problem_type)) {
  if (kind_.fit == nullptr && (options_.min_score > 0 || options_.top_k > 0))
    Fail("`min_score` and `top_k` are about the scores of classes, and this model gives numbers");
  if (!class_weights.empty()) class_weights_ = at::tensor(class_weights, at::kFloat);
}

// As torch's mean over weighted losses: of one class per example each row counts by its class's weight, too;
// of several, where the weight is of one side of a label only, it does not.
double SequenceTask::WeightOf(std::span<const float> labels, std::span<const float> row_weights) const {
  const auto width = kind_.label_kind == data::LabelKind::kSingle ? 1 : classifier_.head.label_names.size();
  const bool is_by_class = kind_.label_kind == data::LabelKind::kSingle && class_weights_.defined();
  if (!is_by_class && row_weights.empty()) return static_cast<double>(labels.size());
  double sum = 0;
  for (size_t row = 0; row < labels.size() / width; ++row) {
    double weight = row_weights.empty() ? 1.0 : row_weights[row];
    if (is_by_class) weight *= ops::HostValues<const float>(class_weights_)[static_cast<size_t>(labels[row])];
    sum += weight * static_cast<double>(width);
  }
  return sum;
}

ops::ClassLossOptions SequenceTask::Weighing(std::span<const float> row_weights,
                                             const at::Device& device) const {
  ops::ClassLossOptions weighing{.label_smoothing = options_.label_smoothing_factor,
                                 .focal_gamma = options_.focal_gamma};
  if (class_weights_.defined()) weighing.class_weights = class_weights_.to(device);
  if (!row_weights.empty())
    weighing.row_weights = ops::Upload(ops::HostView(row_weights, {std::ssize(row_weights)}), device);
  return weighing;
}

double SequenceTask::TargetWeight(const data::PackedBatch& batch) const {
  return WeightOf(batch.labels, batch.loss_weights);
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
  return kind_.loss_sum(logits, ops::Upload(labels, logits.device()),
                        Weighing(batch.loss_weights, logits.device()));
}

at::Tensor SequenceTask::LogitsOf(const data::Dataset& dataset) {
  const at::Tensor logits = infer::Logits(OutputsOn(dataset), std::ssize(classifier_.head.label_names),
                                          dataset, options_.evaluation);
  if (options_.must_be_finite) infer::CheckFinite(logits, dataset, module());
  return logits;
}

Metrics SequenceTask::Evaluate(const data::Dataset& dataset) {
  const at::Tensor logits = LogitsOf(dataset), labels = LabelMatrix(dataset);
  const auto row_weights = dataset.loss_weights();
  const double loss_sum = kind_.loss_sum(logits, labels, Weighing(row_weights, ops::Host())).item<double>();
  Metrics metrics = {{"loss", loss_sum / WeightOf(ops::HostValues<const float>(labels), row_weights)}};
  metrics.update(kind_.measure(logits, labels, classifier_.head, options_.min_score));
  return metrics;
}

Metrics SequenceTask::FitDecisions(const data::Dataset& validation) {
  if (!options_.calibrate && options_.tune_thresholds.empty()) return nullptr;
  return kind_.fit(LogitsOf(validation), LabelMatrix(validation), options_, classifier_.head);
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
      Json line = kind_.line(prediction, classifier_.head, options_);
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
