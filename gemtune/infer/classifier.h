#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/infer/prediction.h"
#include "gemtune/model/pretrained.h"

namespace gemtune::infer {

struct ClassifierOptions {
  at::ScalarType dtype = at::kFloat;  // kFloat or kBFloat16
  ops::Device device = ops::Host();
  std::filesystem::path base_model = {};  // for an adapter whose base model has moved
  int64_t max_length = 512;               // tokens per text, the rest is cut off; 0: no limit
  int64_t max_tokens_per_batch = 4096;    // a longer text is a batch of its own
};

/// A trained classifier that a C++ program can use to make predictions for texts.
///
///   infer::Classifier classifier("runs/sst2");
///   for (const infer::Prediction& prediction : classifier.Predict({"A joy.", "A bore."}))
///     std::cout << prediction.label << " " << prediction.score << "\n";
class Classifier {
 public:
  /// `path` is a whole model or an adapter that gemtune train wrote, or a classifier of transformers or peft.
  /// Throws Error for files that are missing, damaged or belong to another model.
  explicit Classifier(const std::filesystem::path& path, const ClassifierOptions& options = {});

  /// The names of the classes or of a regression's outputs, in the order of their ids.
  const std::vector<std::string>& classes() const { return classifier_.head.label_names; }

  /// One prediction per text. Throws an Error that gives the number (from 1) of a text that is not UTF-8 or
  /// is longer than 4 MB, and if the model's output is not finite. Not to be called from two threads at once;
  /// one call uses all threads.
  std::vector<Prediction> Predict(std::span<const std::string> texts);
  std::vector<Prediction> Predict(std::initializer_list<std::string_view> texts);

 private:
  std::vector<Prediction> PredictViews(const std::vector<std::string_view>& texts);

  ClassifierOptions options_;
  model::PretrainedClassifier classifier_;
};

}  // namespace gemtune::infer
