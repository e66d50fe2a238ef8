#include "gemtune/data/texts.h"

#include <gtest/gtest.h>

#include "gemtune/data/table.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::data {
namespace {

TEST(FaultOf, SaysWhyATextCannotBeUsed) {
  EXPECT_FALSE(FaultOf(""));
  EXPECT_FALSE(FaultOf("gr\xc3\xbc\xc3\x9f"));
  EXPECT_FALSE(FaultOf(std::string(kMaxTextBytes, 'x')));
  const auto cut = FaultOf("gr\xc3"), longer = FaultOf(std::string(kMaxTextBytes + 1, 'x'));
  ASSERT_TRUE(cut && longer);
  EXPECT_EQ(cut->fault, RowFault::kNotUtf8);
  EXPECT_EQ(cut->message, "is not valid UTF-8");
  EXPECT_EQ(longer->fault, RowFault::kTooLong);
  EXPECT_EQ(longer->message, "is longer than 4 MB");
}

class EncodeTextsTest : public test::TempDir {};

TEST_F(EncodeTextsTest, GivesAnExampleATextAndCutsLongOnes) {
  const text::Tokenizer tokenizer = test::TinyTokenizer().Make(dir_);
  const std::string_view texts[] = {"th", "", "abcdef"};
  const Dataset dataset(EncodeTexts(texts, tokenizer, /*max_length=*/4));
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_EQ(std::vector<int32_t>(dataset.ids(0).begin(), dataset.ids(0).end()), tokenizer.Encode("th"));
  EXPECT_EQ(dataset.length(1), 1);
  EXPECT_EQ(dataset.length(2), 4);
  EXPECT_EQ(dataset.label_width(), 0);
}

}  // namespace
}  // namespace gemtune::data
