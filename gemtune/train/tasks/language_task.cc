#include "gemtune/train/tasks/language_task.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/infer/answers.h"
#include "gemtune/infer/generate.h"
#include "gemtune/infer/generation_config.h"
#include "gemtune/model/stored_head.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/host_memory.h"
#include "gemtune/ops/linear_cross_entropy.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;

model::NextTokens NextTokensOf(const data::PackedBatch& batch) {
  return model::FindNextTokens(batch.ids, batch.cu_seqlens, batch.is_target);
}

ops::PackedLayout LayoutOf(const data::PackedBatch& batch, const at::Device& device) {
  return ops::PackedLayout::Full(batch.cu_seqlens, device).WithRows(NextTokensOf(batch).rows);
}

// The targets of a batch [R] int64.
at::Tensor TargetsOf(const data::PackedBatch& batch, const at::Device& device) {
  return ops::UploadNumbers(NextTokensOf(batch).ids, device);
}

// The rows of an example on which the last layer and the head run: the targets but a first token.
int64_t CountRows(const data::Dataset& dataset, int64_t example) {
  const std::span<const uint8_t> is_target = dataset.is_target(example);
  return std::count(is_target.begin() + 1, is_target.end(), 1);
}

TaskOutline LanguageOutline(const model::ModelSource& source, int64_t, const model::LoadOptions& load) {
  model::CausalLm outline = model::OutlineCausalLm(source, load);
  return {.module = outline.ptr(), .trunk = outline->trunk(), .has_vocabulary_head = true};
}

TaskRow RowOf(const LanguageKind& kind) {
  return {
      .name = kind.task,
      .columns = kind.columns,
      .options = kind.options,
      .metrics = {{"loss", false}, {"perplexity", false}, {"token_accuracy", true}},
      .pipeline_tag = "text-generation",
      .row_kind = kind.row_kind,
      .read =
          [&kind](const model::ModelSource&, const TaskOptions&, data::DatasetOptions& options) {
            options.row_kind = kind.row_kind;
            options.label_kind = data::LabelKind::kNone;
          },
      .check = [](const data::Dataset&, const data::Dataset*, const TaskOptions&) {},
      .head_note =
          [](const model::ModelSource& source, const data::Dataset&) {
            return model::FindHead(source) ? "the model's classification head is left out: a language model "
                                             "is trained"
                                           : std::string();
          },
      .num_outputs = [](const data::Dataset&) { return int64_t{0}; },
      .count_rows = CountRows,
      .outline = LanguageOutline,
      .make = [&kind](const model::ModelSource& source, text::Tokenizer tokenizer, const data::Dataset&,
                      const TaskOptions& task, const model::LoadOptions& load) -> std::unique_ptr<Task> {
        return std::make_unique<LanguageTask>(
            std::make_unique<model::PretrainedCausalLm>(
                model::PretrainedCausalLm::FromBase(source, std::move(tokenizer), load)),
            kind, task);
      },
      .open = [&kind](const std::filesystem::path& path, const TaskOptions& task,
                      const model::LoadOptions& load,
                      const std::filesystem::path& base_model) -> std::unique_ptr<Task> {
        return std::make_unique<LanguageTask>(
            std::make_unique<model::PretrainedCausalLm>(
                model::PretrainedCausalLm::FromTrained(path, load, base_model)),
            kind, task);
      },
  };
}

}  // namespace

const std::vector<LanguageKind>& LanguageKinds() {
  static const std::vector<LanguageKind> kinds = {
      {.task = "sft",
       .row_kind = data::RowKind::kConversation,
       .columns = {"messages_column", "prompt_column", "input_column", "completion_column", "train_on",
                   "excess_length_strategy"},
       .options = {"predict_with_generate", "answer_regex", "max_new_tokens"}},
      {.task = "clm", .row_kind = data::RowKind::kDocument, .columns = {"text_column"}},
  };
  return kinds;
}

std::vector<TaskRow> LanguageTaskRows() {
  std::vector<TaskRow> rows;
  for (const LanguageKind& kind : LanguageKinds()) rows.push_back(RowOf(kind));
  return rows;
}

LanguageTask::LanguageTask(std::unique_ptr<model::PretrainedCausalLm> language_model,
                           const LanguageKind& kind, TaskOptions options)
    : Task(std::move(language_model), std::move(options)),
      language_model_(static_cast<model::PretrainedCausalLm&>(pretrained())),
      kind_(kind) {}

double LanguageTask::TargetWeight(const data::PackedBatch& batch) const {
  return std::ssize(NextTokensOf(batch).rows);
}

at::Tensor LanguageTask::Outputs(const data::PackedBatch& batch) {
  const at::Device device = trunk()->embed_tokens()->weight.device();
  return language_model_.model(infer::IdsOf(batch), LayoutOf(batch, device));
}

at::Tensor LanguageTask::StatesBefore(int64_t stage, const data::PackedBatch& batch) {
  const at::Device device = trunk()->embed_tokens()->weight.device();
  return trunk()->RunStages(infer::IdsOf(batch), LayoutOf(batch, device), 0, stage);
}

at::Tensor LanguageTask::OutputsOfStates(int64_t stage, const at::Tensor& states,
                                         const data::PackedBatch& batch) {
  const at::Device device = trunk()->embed_tokens()->weight.device();
  return trunk()->RunStages(ops::Upload(states, device), LayoutOf(batch, device), stage,
                            trunk()->num_stages());
}

// After the last layer only the rows that predict a target are left.
int64_t LanguageTask::StateRows(int64_t stage, const data::Dataset& dataset, int64_t example) const {
  return stage > language_model_.config.num_hidden_layers ? CountRows(dataset, example)
                                                          : dataset.length(example);
}

at::Tensor LanguageTask::LossSum(const data::PackedBatch& batch) {
  const at::Tensor hidden = TrainingOutputs(batch);
  return ops::LinearCrossEntropySum(hidden, language_model_.model->head(), TargetsOf(batch, hidden.device()));
}

std::vector<LanguageTask::Score> LanguageTask::Scores(const data::Dataset& dataset) {
  std::vector<Score> scores(static_cast<size_t>(dataset.size()));
  const auto outputs = OutputsOn(dataset);
  // Of all rows, fetched once, so that a card need not wait after each batch.
  std::vector<at::Tensor> all_losses, all_correct;
  std::vector<int64_t> examples;
  infer::ForEachBatch(dataset, options_.evaluation, [&](const data::PackedBatch& batch) {
    const at::Tensor hidden = outputs(batch);
    const ops::RowLosses rows =
        ops::LinearCrossEntropyRows(hidden, language_model_.model->head(), TargetsOf(batch, hidden.device()));
    all_losses.push_back(rows.losses);
    all_correct.push_back(rows.is_correct);
    examples.insert(examples.end(), batch.examples.begin(), batch.examples.end());
  });
  if (examples.empty()) return scores;
  const at::Tensor losses = at::cat(all_losses).to(ops::Host(), at::kDouble),
                   is_correct = at::cat(all_correct).to(ops::Host(), at::kByte);
  const auto loss = ops::HostValues<double>(losses);
  const auto correct = ops::HostValues<uint8_t>(is_correct);
  size_t row = 0;
  for (const int64_t example : examples) {
    Score& score = scores[static_cast<size_t>(example)];
    score.targets = CountRows(dataset, example);
    for (int64_t i = 0; i < score.targets; ++i, ++row) {
      score.loss_sum += loss[row];
      score.correct += correct[row];
    }
  }
  if (options_.must_be_finite) {
    at::Tensor sums = at::empty({dataset.size(), 1}, at::kDouble);
    std::ranges::transform(scores, ops::HostValues<double>(sums).begin(), &Score::loss_sum);
    infer::CheckFinite(sums, dataset, module());
  }
  return scores;
}

Metrics LanguageTask::Evaluate(const data::Dataset& dataset) {
  Score sum;
  for (const Score& score : Scores(dataset)) {
    sum.loss_sum += score.loss_sum;
    sum.correct += score.correct;
    sum.targets += score.targets;
  }
  const auto targets = static_cast<double>(sum.targets);
  const double loss = sum.loss_sum / targets;
  Metrics metrics = {{"loss", loss},
                     {"perplexity", std::exp(loss)},
                     {"token_accuracy", static_cast<double>(sum.correct) / targets},
                     {"targets", sum.targets}};
  if (options_.predict_with_generate) metrics.update(MeasureAnswers(dataset));
  return metrics;
}

Metrics LanguageTask::MeasureAnswers(const data::Dataset& dataset) {
  std::optional<Pattern> answer;
  if (!options_.answer_regex.empty()) answer.emplace(options_.answer_regex, "`answer_regex`");
  std::vector<infer::Prompt> prompts;
  std::vector<std::string> expected, texts(static_cast<size_t>(dataset.size()));
  for (int64_t i = 0; i < dataset.size(); ++i) {
    infer::LastAnswer last = infer::FindLastAnswer(dataset, i, language_model_.tokenizer);
    prompts.push_back({.ids = std::move(last.prompt)});
    expected.push_back(std::move(last.text));
  }
  infer::ScoreAnswers(expected, expected, answer);  // so that a wrong expression is said before hours of work
  int64_t done = 0;
  infer::Generate(language_model_, prompts,
                  {.eos_token_ids = infer::GenerationConfig::Of(language_model_).eos_token_ids,
                   .max_new_tokens = options_.max_new_tokens,
                   .max_tokens_per_pass = options_.evaluation.max_tokens_per_batch},
                  {.on_done = [&](int64_t prompt, const infer::Generation& generation) {
                    texts[static_cast<size_t>(prompt)] = generation.text;
                    if (options_.evaluation.progress) options_.evaluation.progress(++done, dataset.size());
                  }});
  const infer::AnswerScores scores = infer::ScoreAnswers(expected, texts, answer);
  return {{"exact_match", scores.exact_match}, {"rouge_l", scores.rouge_l}};
}

std::vector<Task::Answer> LanguageTask::WriteAnswers(const data::Dataset& dataset, int64_t examples,
                                                     int64_t max_new_tokens) {
  if (kind_.row_kind != data::RowKind::kConversation) return {};
  const text::Tokenizer& tokenizer = language_model_.tokenizer;
  std::vector<infer::Prompt> prompts;
  std::vector<Answer> answers;
  for (int64_t i = 0; i < std::min(examples, dataset.size()); ++i) {
    infer::LastAnswer last = infer::FindLastAnswer(dataset, i, tokenizer);
    answers.push_back({.prompt = tokenizer.Decode(last.prompt, /*skip_special_tokens=*/true),
                       .reference = std::move(last.text)});
    prompts.push_back({.ids = std::move(last.prompt)});
  }
  infer::Generate(language_model_, prompts,
                  {.eos_token_ids = infer::GenerationConfig::Of(language_model_).eos_token_ids,
                   .max_new_tokens = max_new_tokens,
                   .max_tokens_per_pass = options_.evaluation.max_tokens_per_batch},
                  {.on_done = [&](int64_t prompt, const infer::Generation& generation) {
                    answers[static_cast<size_t>(prompt)].text = generation.text;
                  }});
  return answers;
}

void LanguageTask::Read(data::DatasetOptions& options) const {
  options.row_kind = kind_.row_kind;
  options.label_kind = data::LabelKind::kNone;
}

void LanguageTask::Predict(const data::Dataset& dataset, bool,
                           const std::function<void(const Json& line)>& visit) {
  for (const Score& score : Scores(dataset)) {
    const double loss = score.loss_sum / static_cast<double>(score.targets);
    visit({{"loss", loss}, {"perplexity", std::exp(loss)}, {"targets", score.targets}});
  }
}

model::PassFlops LanguageTask::CountFlops(const data::PackedBatch& batch) {
  const ops::PackedLayout layout = LayoutOf(batch, ops::Host());
  model::PassFlops flops = model::CountFlops(module(), language_model_.config, layout);
  const int64_t head =
      2 * layout.num_rows() * language_model_.config.vocab_size * language_model_.config.hidden_size;
  flops.forward += head;
  flops.input_gradient += head;
  if (trunk()->embed_tokens()->weight.requires_grad()) flops.weight_gradient += head;
  return flops;
}

}  // namespace gemtune::train
