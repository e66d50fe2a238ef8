#include "gemtune/data/vocabulary_check.h"

#include <gtest/gtest.h>

#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::data {
namespace {

class CheckVocabularyTest : public test::TempDir {};

TEST_F(CheckVocabularyTest, NamesTheTokenWithoutARow) {
  const text::Tokenizer tokenizer = test::TinyTokenizer().Make(dir_);
  Examples examples;
  examples.ids = {2, 261, 2, 287};
  examples.offsets = {0, 2, 4};
  examples.truncated = {0, 0};
  const Dataset dataset(std::move(examples));
  CheckVocabulary(dataset, 288, tokenizer, "f.csv");
  EXPECT_EQ(test::MessageOf([&] { CheckVocabulary(dataset, 287, tokenizer, "f.csv"); }),
            "f.csv: example 2 holds 'th' (token 287), for which the model has no embedding row (287 rows)");
}

}  // namespace
}  // namespace gemtune::data
