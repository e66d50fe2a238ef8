// Reads a model directory with the installed library and prints its text's logits: what a C++ user would
// begin with.
#include <fmt/format.h>

#include <gemtune/data/dataset.h>
#include <gemtune/infer/predict.h>
#include <gemtune/model/pretrained.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto classifier = gemtune::model::PretrainedClassifier::FromTrained(argv[1], at::kFloat);
  gemtune::data::Examples examples;
  examples.ids = classifier.tokenizer.Encode(argv[2]);
  examples.offsets.push_back(static_cast<int64_t>(examples.ids.size()));
  examples.truncated.push_back(0);
  const at::Tensor logits =
      gemtune::infer::Logits(classifier.model, gemtune::data::Dataset(std::move(examples)), {});
  for (int64_t i = 0; i < logits.size(1); ++i) fmt::print("{:.4f}\n", logits[0][i].item<float>());
}
