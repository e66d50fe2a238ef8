#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "gemtune/model/head_rows.h"
#include "gemtune/model/source.h"

namespace gemtune::model {

/// The head that a model brings along; nothing where it has no score.weight of as many rows as its
/// configuration has labels.
std::optional<ClassifierHead> FindHead(const ModelSource& source);

/// The same of a fine-tuned classifier. Throws Error where there is none.
ClassifierHead HeadOfTrained(const ModelSource& source);

/// Fills those rows of `weight` [outputs, hidden_size], that of `head`, that the source's head has
/// (HeadRows); false: none.
bool LoadHeadRows(const ModelSource& source, const ClassifierHead& head, const at::Tensor& weight);

}  // namespace gemtune::model
