// With kernels or without, a run is the same run: every method and every task, by kernels and by compositions
// of ATen calls alone, which is what any other device begins with.
#include <gtest/gtest.h>

#include "gemtune/ops/kernel_access.h"
#include "gemtune/train/method.h"
#include "gemtune/train/step.h"
#include "gemtune/train/tasks/sequence_task.h"
#include "tests/support/gradcheck.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/without_kernels.h"

namespace gemtune::train {
namespace {

struct CompositionCase {
  std::string name;
  std::string task = "classification";
  std::string method = "full";
  std::string trainable_layers = {};
  model::LoraConfig lora = {};
};

void PrintTo(const CompositionCase& c, std::ostream* out) {
  *out << c.name;
}

const std::vector<CompositionCase> kCompositionCases = {
    {.name = "full"},
    {.name = "multi_label", .task = "multi-label"},
    {.name = "regression", .task = "regression"},
    {.name = "head", .method = "head"},
    {.name = "freeze", .method = "freeze", .trainable_layers = "5-"},
    {.name = "lora", .method = "lora", .lora = {.r = 4}},
    {.name = "lora_dropout", .method = "lora", .lora = {.r = 4, .lora_dropout = 0.3}},
    {.name = "rslora", .method = "lora", .lora = {.r = 4, .use_rslora = true}},
    {.name = "dora", .method = "lora", .lora = {.r = 4, .use_dora = true}},
    {.name = "language", .task = "sft"},
    {.name = "language_lora", .task = "clm", .method = "lora", .lora = {.r = 4}},
    {.name = "dora_dropout", .method = "lora", .lora = {.r = 4, .lora_dropout = 0.3, .use_dora = true}},
};

constexpr int64_t kSteps = 10, kBatch = 4;

data::Dataset RandomData(const std::string& task) {
  const bool is_language = FindTask(task).row_kind != data::RowKind::kText;
  const data::LabelKind kind =
      is_language ? data::LabelKind::kNone : FindSequenceKind(&SequenceKind::task, task).label_kind;
  at::manual_seed(1);
  data::Examples examples;
  examples.label_kind = kind;
  const int labels = is_language ? 0 : kind == data::LabelKind::kMultiLabel ? 2 : 1;
  for (int64_t i = 0; i < kSteps * kBatch; ++i) {
    // Beyond the window of 8, and at times more tokens than a kernel wants for its products.
    const auto length = at::randint(2, 40, {1}).item<int64_t>();
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

struct TrainedTask {
  std::vector<double> losses, grad_norms;
  std::vector<std::pair<std::string, at::Tensor>> weights;
};

TrainedTask Train(const CompositionCase& c, const std::filesystem::path& base) {
  const data::Dataset data = RandomData(c.task);
  const auto made =
      FindTask(c.task).make(model::ModelSource::Open(base), text::Tokenizer::Load(base), data, {}, {});
  Task& task = *made;
  FindMethod(c.method).select(task.module(), {.trainable_layers = c.trainable_layers, .lora = c.lora});
  if (FindMethod(c.method).has_adapter) task.pretrained().AddAdapter(c.lora, base.string(), /*seed=*/42);
  AdamW optimizer(task.module(), {.weight_decay = 0.01}, task.sparse_gradients());
  task.module().train();
  TrainedTask trained;
  for (int64_t step = 0; step < kSteps; ++step) {
    const int64_t first = step * kBatch;
    const StepReport report = TakeStep(task, optimizer, data, {{first, first + 1}, {first + 2, first + 3}},
                                       {.step = step + 1, .learning_rate = 1e-3, .max_grad_norm = 1.0});
    trained.losses.push_back(report.loss);
    trained.grad_norms.push_back(report.grad_norm);
  }
  optimizer.CatchUpAll();
  for (const auto& item : task.module().named_parameters())
    trained.weights.emplace_back(item.key(), item.value().detach().clone());
  return trained;
}

class Compositions : public test::TempDir, public testing::WithParamInterface<CompositionCase> {};

TEST_P(Compositions, TrainAsKernelsDo) {
  test::WriteTinyModel(dir_ / "base");
  const TrainedTask by_kernels = Train(GetParam(), dir_ / "base");
  const test::WithoutKernels without;
  ASSERT_FALSE(ops::HasKernels(at::zeros({1})));
  const TrainedTask composed = Train(GetParam(), dir_ / "base");
  EXPECT_NE(by_kernels.losses.front(), by_kernels.losses.back());
  for (size_t step = 0; step < by_kernels.losses.size(); ++step) {
    EXPECT_NEAR(composed.losses[step], by_kernels.losses[step], 1e-5 * by_kernels.losses[step]) << step;
    EXPECT_NEAR(composed.grad_norms[step], by_kernels.grad_norms[step], 1e-4 * by_kernels.grad_norms[step])
        << step;
  }
  ASSERT_EQ(composed.weights.size(), by_kernels.weights.size());
  for (size_t i = 0; i < composed.weights.size(); ++i) {
    const auto& [name, weight] = by_kernels.weights[i];
    EXPECT_LT(test::MaxDifference(composed.weights[i].second, weight), 1e-5) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Compositions, testing::ValuesIn(kCompositionCases),
                         [](const auto& method) { return method.param.name; });

}  // namespace
}  // namespace gemtune::train
