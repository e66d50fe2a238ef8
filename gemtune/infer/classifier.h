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
  std::filesystem::path base_model = {};  // of an adapter, where it is no longer where the adapter says
  int64_t max_length = 512;               // tokens a text, the rest of it is cut off; 0: no limit
  int64_t max_tokens_per_batch = 4096;    // a longer text makes a batch of its own
};

/// A trained classifier, ready for texts: what a C++ program predicts with.
///
///   infer::Classifier classifier("runs/sst2");
///   for (const infer::Prediction& prediction : classifier.Predict({"A joy.", "A bore."}))
///     std::cout << prediction.label << " " << prediction.score << "\n";
class Classifier {
 public:
  /// `path` is what gemtune train wrote, a whole model or an adapter, or a classifier of transformers or
  /// peft. Throws Error for files that are missing, damaged or of another model.
  explicit Classifier(const std::filesystem::path& path, const ClassifierOptions& options = {});

  /// The names of the classes, or of the outputs of a regression, in the order of their ids.
  const std::vector<std::string>& classes() const { return classifier_.head.label_names; }

  /// A prediction a text. Throws Error naming the number of a text (from 1) that is not UTF-8 or longer than
  /// 4 MB, and where what the model computes is not finite. Not to be called from two threads at once; it
  /// uses all of them.
  std::vector<Prediction> Predict(std::span<const std::string> texts);
  std::vector<Prediction> Predict(std::initializer_list<std::string_view> texts);

 private:
  std::vector<Prediction> PredictViews(const std::vector<std::string_view>& texts);

  ClassifierOptions options_;
  model::PretrainedClassifier classifier_;
};

}  // namespace gemtune::infer
