#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "gemtune/model/head_rows.h"

namespace gemtune::model {

/// The head that a classifier's config.json describes, as transformers 5.24 reads it: `id2label`, numbers
/// among its names as text; without one `num_labels` of LABEL_0, LABEL_1, ..., without that two, which
/// save_pretrained leaves out. Throws Error for labels that are not numbered from 0 on; `source` names the
/// file.
ClassifierHead HeadFromConfig(const nlohmann::ordered_json& config, const std::string& source);

/// Sets the entries of a config.json that say what the outputs mean.
void AddHead(const ClassifierHead& head, nlohmann::ordered_json& config);

/// config.json of the classifier: the text model's own entries of `source`, the config.json that it was made
/// from, then the head's.
nlohmann::ordered_json ClassifierConfig(const nlohmann::ordered_json& source, const ClassifierHead& head,
                                        at::ScalarType dtype, int64_t pad_token_id);

}  // namespace gemtune::model
