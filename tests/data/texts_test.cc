#include "gemtune/data/text_check.h"

#include <gtest/gtest.h>

#include "gemtune/data/table.h"

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

}  // namespace
}  // namespace gemtune::data
