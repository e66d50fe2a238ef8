#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "gemtune/model/head_rows.h"
#include "gemtune/model/source.h"

namespace gemtune::model {

/// The head stored with a model; nullopt unless it has a score.weight with as many rows as its configuration
/// has labels.
std::optional<ClassifierHead> FindHead(const ModelSource& source);

/// The same for a fine-tuned classifier. Throws Error if there is none.
ClassifierHead HeadOfTrained(const ModelSource& source);

/// Fills the rows of `weight` [outputs, hidden_size], the weight of `head`, that the source's head has too
/// (HeadRows). Returns false if there are none.
bool LoadHeadRows(const ModelSource& source, const ClassifierHead& head, const at::Tensor& weight);

}  // namespace gemtune::model
