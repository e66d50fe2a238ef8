// A run that was interrupted and resumed gives, bit for bit, the results of an uninterrupted one: for every
// method and task, interrupted after every single step.
#include <gmock/gmock.h>

#include <sstream>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/model/adapter.h"
#include "gemtune/train/checkpoint.h"
#include "gemtune/train/method.h"
#include "gemtune/train/tasks/sequence_task.h"
#include "gemtune/train/trainer.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct ResumedCase {
  std::string name;
  std::string task = "classification";
  std::string method = "full";
  MethodOptions method_options = {};
  at::ScalarType dtype = at::kFloat;
  double weight_decay = 0;
  bool keeps_frozen_states = false;
  bool gradient_checkpointing = false;
  double neftune_noise_alpha = 0;
  bool packing = false;
};

void PrintTo(const ResumedCase& c, std::ostream* out) {
  *out << c.name;
}

const std::vector<ResumedCase> kResumedCases = {
    {.name = "full"},
    {.name = "full_bf16", .dtype = at::kBFloat16},
    {.name = "full_bf16_decay", .dtype = at::kBFloat16, .weight_decay = 0.3},
    {.name = "multi_label", .task = "multi-label", .weight_decay = 0.3},
    {.name = "regression_bf16", .task = "regression", .dtype = at::kBFloat16},
    {.name = "head", .method = "head", .keeps_frozen_states = true},
    {.name = "freeze_bf16",
     .method = "freeze",
     .method_options = {.trainable_layers = "5-", .trainable_parameters = {}, .lora = {}},
     .dtype = at::kBFloat16},
    {.name = "freeze_cached",
     .method = "freeze",
     .method_options = {.trainable_layers = "5-", .trainable_parameters = {}, .lora = {}},
     .keeps_frozen_states = true},
    {.name = "lora_dropout",
     .method = "lora",
     .method_options = {.trainable_layers = {},
                        .trainable_parameters = {},
                        .lora = {.r = 4, .lora_dropout = 0.3}}},
    {.name = "lora_dropout_recomputed_bf16",
     .method = "lora",
     .method_options = {.trainable_layers = {},
                        .trainable_parameters = {},
                        .lora = {.r = 4, .lora_dropout = 0.3, .use_rslora = true}},
     .dtype = at::kBFloat16,
     .gradient_checkpointing = true},
    {.name = "dora_with_embedding_bf16",
     .task = "regression",
     .method = "lora",
     .method_options = {.trainable_layers = {},
                        .trainable_parameters = {},
                        .lora = {.r = 4,
                                 .lora_dropout = 0.1,
                                 .use_dora = true,
                                 .target_modules = {},
                                 .target_pattern = {},
                                 .modules_to_save = {"embed_tokens"}}},
     .dtype = at::kBFloat16},
    {.name = "language_packed_bf16",
     .task = "sft",
     .dtype = at::kBFloat16,
     .weight_decay = 0.3,
     .packing = true},
    {.name = "language_noise", .task = "clm", .neftune_noise_alpha = 5},
    {.name = "language_lora_noise",
     .task = "sft",
     .method = "lora",
     .method_options = {.trainable_layers = {},
                        .trainable_parameters = {},
                        .lora = {.r = 4, .lora_dropout = 0.3}},
     .neftune_noise_alpha = 5},
};

data::Dataset RandomData(const ResumedCase& c, int64_t size) {
  const bool is_language = FindTask(c.task).row_kind != data::RowKind::kText;
  const data::LabelKind kind =
      is_language ? data::LabelKind::kNone : FindSequenceKind(&SequenceKind::task, c.task).label_kind;
  at::manual_seed(size);
  data::Examples examples;
  examples.label_kind = kind;
  const int labels = is_language ? 0 : kind == data::LabelKind::kMultiLabel ? 2 : 1;
  for (int64_t i = 0; i < size; ++i) {
    const auto length = at::randint(2, 20, {1}).item<int64_t>();
    for (int64_t t = 0; t < length; ++t)
      examples.ids.push_back(t == 0 ? 2 : at::randint(261, 287, {1}).item<int32_t>());
    examples.offsets.push_back(std::ssize(examples.ids));
    examples.truncated.push_back(0);
    for (int64_t t = 0; t < length && is_language; ++t) examples.is_target.push_back(t >= length / 2 ? 1 : 0);
    for (int label = 0; label < labels; ++label)
      examples.label_values.push_back(at::randint(0, 2, {1}).item<float>());
  }
  if (!is_language && kind != data::LabelKind::kRegression) examples.labels.names = {"a", "b"};
  return data::Dataset(std::move(examples));
}

// Everything that a new process creates.
class Process {
 public:
  Process(const ResumedCase& c, const fs::path& base, const fs::path& out, const TrainerOptions& options)
      : train_(RandomData(c, 22)), validation_(RandomData(c, 6)), out_(out) {
    task_ = FindTask(c.task).make(model::ModelSource::Open(base), text::Tokenizer::Load(base), train_, {},
                                  {.dtype = c.dtype});
    FindMethod(c.method).select(task_->module(), c.method_options);
    if (FindMethod(c.method).has_adapter)
      task_->pretrained().AddAdapter(c.method_options.lora, base.string(), /*seed=*/42);
    task_->trunk()->set_gradient_checkpointing(c.gradient_checkpointing);
    if (c.keeps_frozen_states) task_->KeepFrozenStates(train_, &validation_, {.max_memory_bytes = 1 << 30});
    task_->pretrained().AddEmbeddingNoise(c.neftune_noise_alpha, /*seed=*/42);
    options_ = options;
    options_.packing = c.packing;
    if (c.packing) options_.max_tokens_per_batch = 50;
    options_.adamw.weight_decay = c.weight_decay;
  }

  // Goes on from the newest checkpoint, if there is one.
  TrainerState Run(const std::function<bool()>& stop_requested = {}) {
    const std::vector<int64_t> steps = fs::exists(out_) ? CheckpointSteps(out_) : std::vector<int64_t>();
    fs::create_directories(out_);
    const fs::path checkpoint = steps.empty() ? fs::path() : CheckpointPath(out_, steps.back());
    JsonlObserver log(out_, checkpoint);
    Trainer trainer(*task_, train_, &validation_, options_, out_, {&log});
    if (!checkpoint.empty()) trainer.Resume(checkpoint);
    return trainer.Run(stop_requested);
  }

 private:
  data::Dataset train_, validation_;
  fs::path out_;
  std::unique_ptr<Task> task_;
  TrainerOptions options_;
};

// The log without its times.
std::string Log(const fs::path& out) {
  std::istringstream file(ReadFile(out / "train_log.jsonl"));
  std::string text;
  for (std::string line; std::getline(file, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    for (auto it = json.begin(); it != json.end();)
      it = it.key().ends_with("seconds") ? json.erase(it) : std::next(it);
    text += json.dump() + "\n";
  }
  return text;
}

class Resume : public test::TempDir, public testing::WithParamInterface<ResumedCase> {
 protected:
  Resume() { test::WriteTinyModel(dir_ / "base"); }

  Process Start(const std::string& out, const TrainerOptions& options) {
    return Process(GetParam(), dir_ / "base", dir_ / out, options);
  }

  void ExpectSame(const std::string& name) {
    const bool is_adapter = model::IsAdapter(dir_ / "unbroken");
    const char* file = is_adapter ? "adapter_model.safetensors" : "model.safetensors";
    EXPECT_TRUE(ReadFile(dir_ / "unbroken" / file) == ReadFile(dir_ / name / file));
    EXPECT_EQ(Log(dir_ / "unbroken"), Log(dir_ / name));
  }

  // 6 batches, 3 steps an epoch, the last of each short.
  const TrainerOptions options_{.batch_size = 4,
                                .gradient_accumulation_steps = 2,
                                .num_train_epochs = 3,
                                .learning_rate = 1e-2,
                                .save_strategy = IntervalStrategy::kNo};
};

TEST_P(Resume, ARunBrokenOffAfterEveryStepIsTheUnbrokenRun) {
  const TrainerState unbroken = Start("unbroken", options_).Run();
  ASSERT_TRUE(unbroken.steps == 9 || GetParam().packing);
  TrainerState state{.is_stopped = true};
  int processes = 0;
  for (; state.is_stopped; ++processes)
    state = Start("broken", options_).Run([calls = 0]() mutable { return calls++ > 0; });
  EXPECT_EQ(processes, unbroken.steps + 1);  // the last one finds all steps done
  ExpectSame("broken");
  auto was = ToJson(unbroken), is = ToJson(state);
  for (auto* of_run : {&was, &is}) {
    for (const std::string own : {"train_runtime", "passes"}) of_run->erase(own);
    for (auto& entry : (*of_run)["log_history"]) {
      for (const std::string own : {"train_runtime", "train_samples_per_second", "train_steps_per_second",
                                    "eval_runtime", "eval_samples_per_second"})
        entry.erase(own);
    }
  }
  EXPECT_EQ(was.dump(), is.dump());
}

TEST_P(Resume, ACheckpointChangesNothing) {
  Start("unbroken", options_).Run();
  TrainerOptions saving = options_;
  saving.save_strategy = IntervalStrategy::kSteps;
  saving.save_steps = 1;
  Start("saving", saving).Run();
  ExpectSame("saving");
}

INSTANTIATE_TEST_SUITE_P(Methods, Resume, testing::ValuesIn(kResumedCases),
                         [](const auto& method) { return method.param.name; });

class ResumeOnce : public Resume {};

TEST_P(ResumeOnce, ACheckpointIsAModel) {
  TrainerOptions saving = options_;
  saving.save_strategy = IntervalStrategy::kEpoch;
  saving.save_total_limit = 0;
  saving.load_best_model_at_end = false;
  Start("unbroken", saving).Run();
  EXPECT_THAT(CheckpointSteps(dir_ / "unbroken"), testing::ElementsAre(3, 6, 9));
  EXPECT_TRUE(ReadFile(dir_ / "unbroken" / "checkpoint-9" / "model.safetensors") ==
              ReadFile(dir_ / "unbroken" / "model.safetensors"));
  const auto classifier = model::PretrainedClassifier::FromTrained(dir_ / "unbroken" / "checkpoint-3");
  EXPECT_EQ(classifier.head.label_names.size(), 2u);
}

TEST_P(ResumeOnce, ADamagedCheckpointIsSaid) {
  Start("out", options_).Run([calls = 0]() mutable { return calls++ > 2; });
  const fs::path checkpoint = dir_ / "out" / "checkpoint-3";
  const std::string whole = ReadFile(checkpoint / "optimizer.safetensors");
  WriteFileAtomically(checkpoint / "optimizer.safetensors", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(test::MessageOf([&] { Start("out", options_).Run(); }), HasSubstr("optimizer.safetensors"));
  WriteFileAtomically(checkpoint / "optimizer.safetensors", whole);
  const std::string state = ReadFile(checkpoint / "trainer_state.json");
  WriteFileAtomically(checkpoint / "trainer_state.json", "{\"global_step\": 3}");
  EXPECT_THAT(test::MessageOf([&] { Start("out", options_).Run(); }),
              HasSubstr("trainer_state.json: 'skipped_steps' is missing"));
  WriteFileAtomically(checkpoint / "trainer_state.json", "{\"global_step\": \"three\"}");
  EXPECT_THAT(test::MessageOf([&] { Start("out", options_).Run(); }),
              HasSubstr("'global_step' has the wrong type"));
  WriteFileAtomically(checkpoint / "trainer_state.json", state);
  TrainerOptions shorter = options_;
  shorter.max_steps = 2;
  EXPECT_THAT(test::MessageOf([&] { Start("out", shorter).Run(); }),
              HasSubstr("is at step 3 of a run that has 2"));
  EXPECT_EQ(Start("out", options_).Run().steps, 9);
}

TEST_P(ResumeOnce, ACheckpointOfAnotherModelIsSaid) {
  Start("out", options_).Run([calls = 0]() mutable { return calls++ > 2; });
  const ResumedCase lora{.name = "lora", .method = "lora"};
  EXPECT_THAT(test::MessageOf([&] { Process(lora, dir_ / "base", dir_ / "out", options_).Run(); }),
              HasSubstr("adapter_model.safetensors"));
}

INSTANTIATE_TEST_SUITE_P(Full, ResumeOnce, testing::Values(kResumedCases.front()));

}  // namespace
}  // namespace gemtune::train
