#include "gemtune/data/vocabulary_check.h"

#include <span>

#include "gemtune/base/error.h"

namespace gemtune::data {

void CheckVocabulary(const Dataset& dataset, int64_t vocab_size, const text::Tokenizer& tokenizer,
                     const std::string& source) {
  for (int64_t i = 0; i < dataset.size(); ++i) {
    for (const int32_t id : dataset.ids(i)) {
      if (id < vocab_size) continue;
      Fail("{}: example {} holds '{}' (token {}), for which the model has no embedding row ({} rows)", source,
           i + 1, Printable(tokenizer.Decode(std::span(&id, 1), /*skip_special_tokens=*/false)), id,
           vocab_size);
    }
  }
}

}  // namespace gemtune::data
