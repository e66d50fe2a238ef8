#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "gemtune/model/head_rows.h"

namespace gemtune::model {

/// The head that a classifier's config.json describes, as transformers 5.24 reads it: `id2label`, where names
/// that are numbers become text. Without `id2label` there are `num_labels` labels LABEL_0, LABEL_1, ...;
/// without that there are two, the number that save_pretrained leaves out. Throws Error for labels that are
/// not numbered from 0 on, and for a temperature or thresholds that cannot be; `source` names the file.
ClassifierHead HeadFromConfig(const nlohmann::ordered_json& config, const std::string& source);

/// Sets the entries of a config.json that describe the outputs.
void AddHead(const ClassifierHead& head, nlohmann::ordered_json& config);

/// A language model's config.json: the text model's entries from `source`, the config.json of the base model.
nlohmann::ordered_json CausalLmConfig(const nlohmann::ordered_json& source, at::ScalarType dtype,
                                      int64_t pad_token_id);

/// The classifier's config.json: the text model's entries from `source`, the config.json of the base model,
/// then the head's.
nlohmann::ordered_json ClassifierConfig(const nlohmann::ordered_json& source, const ClassifierHead& head,
                                        at::ScalarType dtype, int64_t pad_token_id);

}  // namespace gemtune::model
