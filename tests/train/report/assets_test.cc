#include "gemtune/train/report/assets.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Assets, AreTheFilesOfTheSources) {
  const std::string folder = GEMTUNE_SOURCE_DIR "/gemtune/train/report/";
  EXPECT_EQ(PageTemplate(), ReadFile(folder + "page.html"));
  EXPECT_EQ(ChartLibrary(), ReadFile(folder + "chart.js"));
}

TEST(Assets, FetchNothing) {
  EXPECT_THAT(std::string(PageTemplate()), Not(HasSubstr("src=\"http")));
  EXPECT_THAT(std::string(ChartLibrary()), Not(HasSubstr("sourceMappingURL")));
  EXPECT_THAT(std::string(ChartLibrary()), Not(HasSubstr("</script")));
}

}  // namespace
}  // namespace gemtune::train
