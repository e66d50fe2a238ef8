// A run is the same run however it is computed: every method and every task, by the processor's kernels, by
// compositions of ATen calls alone, which is what any other device begins with, and the way of a card, with
// GEMTUNE_TEST_DEVICE=cuda on one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "gemtune/ops/kernel_access.h"
#include "gemtune/train/method.h"
#include "gemtune/train/step.h"
#include "gemtune/train/tasks/sequence_task.h"
#include "tests/support/cuda_on_host.h"
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
// A card's kernels are slow on the processor.
constexpr int64_t kStepsOnCard = 4;

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

TrainedTask Train(const CompositionCase& c, const std::filesystem::path& base, int64_t steps = kSteps,
                  const model::LoadOptions& options = {}) {
  const data::Dataset data = RandomData(c.task);
  const auto made =
      FindTask(c.task).make(model::ModelSource::Open(base), text::Tokenizer::Load(base), data, {}, options);
  Task& task = *made;
  FindMethod(c.method).select(task.module(), {.trainable_layers = c.trainable_layers, .lora = c.lora});
  if (FindMethod(c.method).has_adapter) task.pretrained().AddAdapter(c.lora, base.string(), /*seed=*/42);
  AdamW optimizer(task.module(), {.weight_decay = 0.01}, task.sparse_gradients());
  task.module().train();
  TrainedTask trained;
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t first = step * kBatch;
    const StepReport report = TakeStep(task, optimizer, data, {{first, first + 1}, {first + 2, first + 3}},
                                       {.step = step + 1, .learning_rate = 1e-3, .max_grad_norm = 1.0});
    trained.losses.push_back(report.loss);
    trained.grad_norms.push_back(report.grad_norm);
  }
  optimizer.CatchUpAll();
  for (const auto& item : task.module().named_parameters())
    trained.weights.emplace_back(item.key(), item.value().detach().to(ops::Host(), at::kFloat, false, true));
  return trained;
}

/// The card that is tested on, or the host, where a card's kernels run too.
class TheCard {
 public:
  TheCard() {
    if (const char* name = std::getenv("GEMTUNE_TEST_DEVICE"); name != nullptr) {
      device_ = ops::FindDevice(name);
    } else {
      cuda_on_host_.emplace();
    }
  }
  ops::Device device() const { return device_; }

 private:
  ops::Device device_ = ops::Host();
  std::optional<test::WithCudaOnHost> cuda_on_host_;
};

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
    // While B is zero the gradient of A is what roundings leave, and AdamW makes steps of it.
    const double tolerance = name.find("lora_A") != std::string::npos ? 1e-4 : 1e-5;
    EXPECT_LT(test::MaxDifference(composed.weights[i].second, weight), tolerance) << name;
  }
}

TEST_P(Compositions, TrainAsACardDoes) {
  test::WriteTinyModel(dir_ / "base");
  const TrainedTask on_processor = Train(GetParam(), dir_ / "base", kStepsOnCard);
  const TheCard card;
  const TrainedTask on_card = Train(GetParam(), dir_ / "base", kStepsOnCard, {.device = card.device()});
  for (size_t step = 0; step < on_processor.losses.size(); ++step) {
    EXPECT_NEAR(on_card.losses[step], on_processor.losses[step], 1e-4 * on_processor.losses[step]) << step;
    EXPECT_NEAR(on_card.grad_norms[step], on_processor.grad_norms[step], 1e-3 * on_processor.grad_norms[step])
        << step;
  }
  ASSERT_EQ(on_card.weights.size(), on_processor.weights.size());
  for (size_t i = 0; i < on_card.weights.size(); ++i) {
    const auto& [name, weight] = on_processor.weights[i];
    EXPECT_LT(test::MaxDifference(on_card.weights[i].second, weight), 2e-5) << name;
  }
}

// In bf16 roundings differ, above all where attention rounds its weights; the run stays as near to that in
// fp32.
TEST_P(Compositions, TrainInBFloat16AsACardDoes) {
  test::WriteTinyModel(dir_ / "base");
  const TrainedTask exact = Train(GetParam(), dir_ / "base", kStepsOnCard),
                    on_processor = Train(GetParam(), dir_ / "base", kStepsOnCard, {.dtype = at::kBFloat16});
  const TheCard card;
  const TrainedTask on_card =
      Train(GetParam(), dir_ / "base", kStepsOnCard, {.dtype = at::kBFloat16, .device = card.device()});
  const auto distance = [&](const TrainedTask& run) {
    double sum = 0;
    for (size_t step = 0; step < exact.losses.size(); ++step)
      sum += std::abs(run.losses[step] - exact.losses[step]) / exact.losses[step];
    return sum / static_cast<double>(exact.losses.size());
  };
  EXPECT_LT(distance(on_card), 2 * distance(on_processor) + 2e-3);
}

INSTANTIATE_TEST_SUITE_P(Methods, Compositions, testing::ValuesIn(kCompositionCases),
                         [](const auto& method) { return method.param.name; });

}  // namespace
}  // namespace gemtune::train
