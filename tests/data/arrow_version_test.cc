#include "gemtune/data/arrow_version.h"

#include <arrow/util/config.h>
#include <gtest/gtest.h>

namespace gemtune::data {
namespace {

TEST(ArrowVersion, IsThatOfTheHeadersHere) {
  EXPECT_EQ(ArrowVersion(), ARROW_VERSION_STRING);
}

}  // namespace
}  // namespace gemtune::data
