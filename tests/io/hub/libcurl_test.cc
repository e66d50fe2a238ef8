#include "gemtune/io/hub/libcurl.h"

#include <gtest/gtest.h>

namespace gemtune::io::hub {
namespace {

TEST(LibCurl, IsLoadedOnce) {
  EXPECT_EQ(&LoadLibCurl(), &LoadLibCurl());
  EXPECT_STRNE(LoadLibCurl().easy_strerror(CURLE_COULDNT_CONNECT), "");
}

}  // namespace
}  // namespace gemtune::io::hub
