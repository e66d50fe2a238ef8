#include "gemtune/model/stored_head.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "gemtune/base/error.h"
#include "gemtune/model/head_config.h"
#include "gemtune/model/names.h"
#include "gemtune/model/weights.h"

namespace gemtune::model {
namespace {

const io::TensorInfo* FindWeight(const ModelSource& source) {
  return source.checkpoint.Find(std::string(kHeadWeight));
}

ClassifierHead DescribedHead(const ModelSource& source) {
  return HeadFromConfig(source.checkpoint.config(), source.path.string() + ": config");
}

}  // namespace

std::optional<ClassifierHead> FindHead(const ModelSource& source) {
  const io::TensorInfo* score = FindWeight(source);
  if (score == nullptr) return std::nullopt;
  ClassifierHead head = DescribedHead(source);
  const bool fits = score->shape.size() == 2 && score->shape[0] == std::ssize(head.label_names);
  return fits ? std::optional(std::move(head)) : std::nullopt;
}

ClassifierHead HeadOfTrained(const ModelSource& source) {
  const std::string path = source.path.string();
  const io::TensorInfo* score = FindWeight(source);
  if (score == nullptr) {
    Fail(
        "{}: no 'score.weight'; this is not a fine-tuned classifier (train one with gemtune train; a "
        "language "
        "model is opened with `task` sft or clm)",
        path);
  }
  if (source.checkpoint.Find("score.bias") != nullptr) {
    Fail(
        "{}: has a 'score.bias', which the head of a text classifier does not have; is it a token "
        "classifier?",
        path);
  }
  ClassifierHead head = DescribedHead(source);
  const size_t labels = head.label_names.size();
  if (score->shape.empty() || score->shape[0] != static_cast<int64_t>(labels)) {
    const nlohmann::ordered_json& config = source.checkpoint.config();
    const bool is_said = config.contains("id2label") || config.contains("num_labels");
    Fail("{}: 'score.weight' has shape [{}], but config.json {} {} labels; correct its 'id2label'", path,
         fmt::join(score->shape, ", "), is_said ? "names" : "names none, which means", labels);
  }
  CheckTensor(source.checkpoint, std::string(kHeadWeight),
              {static_cast<int64_t>(labels), source.config.hidden_size});
  return head;
}

bool LoadHeadRows(const ModelSource& source, const ClassifierHead& head, const at::Tensor& weight) {
  const std::optional<ClassifierHead> before = FindHead(source);
  if (!before) return false;
  const at::NoGradGuard no_grad;
  const at::Tensor stored = at::empty({std::ssize(before->label_names), weight.size(1)}, weight.options());
  LoadTensor(source.checkpoint, std::string(kHeadWeight), stored);
  const auto rows = HeadRows(*before, head);
  for (size_t id = 0; id < rows.size(); ++id) {
    if (rows[id]) weight[static_cast<int64_t>(id)].copy_(stored[*rows[id]]);
  }
  return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.has_value(); });
}

}  // namespace gemtune::model
