#include "gemtune/cli/spelling.h"

#include <gtest/gtest.h>

namespace gemtune::cli {
namespace {

TEST(SpellOptions, WritesFieldsAsOptions) {
  EXPECT_EQ(SpellOptions("give another `output_dir`"), "give another --output-dir");
  EXPECT_EQ(SpellOptions("`batch_size` 1 `max_length` 64"), "--batch-size 1 --max-length 64");
  EXPECT_EQ(SpellOptions("`lora_r`"), "--lora-r");
}

TEST(SpellOptions, LeavesEverythingElseAsItIs) {
  for (const char* text : {"", "plain", "`", "a ` b", "a `b c` d", "``", "`A`", "it's 'x' and \"y\"", "x`"})
    EXPECT_EQ(SpellOptions(text), text);
  EXPECT_EQ(SpellOptions("a ` b `c` d"), "a ` b --c d");
}

}  // namespace
}  // namespace gemtune::cli
