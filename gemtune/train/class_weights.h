#pragma once

#include <string>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::train {

/// The weights of the classes of `train`, by id, that `wanted` asks for:
///
/// - "balanced": N / (classes that occur · n_c) for n_c examples of class c, as scikit-learn's
///   compute_class_weight; for labels that are independent of each other (N − n_c) / n_c, the weight of the
///   label where it applies, so that both sides count alike. A class that no example has, or all have,
///   gets 1.
/// - "name=weight,...": the rest gets 1.
/// - else the name of a JSON file with the same, {"name": weight, ...}.
///
/// Empty for an empty `wanted`. Throws Error for a name that is no class, for weights that are negative, not
/// finite or all zero, and for a file that is not like this.
std::vector<double> ClassWeights(const std::string& wanted, const data::Dataset& train);

}  // namespace gemtune::train
