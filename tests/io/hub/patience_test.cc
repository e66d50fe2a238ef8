#include "gemtune/io/hub/patience.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "gemtune/base/stopwatch.h"

namespace gemtune::io::hub {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

HttpAnswer WithStatus(int status) {
  return {.status = status, .url = "https://hub.example/x"};
}

TEST(Patience, KnowsWhatMayBeBetterLater) {
  for (const int status : {408, 429, 500, 503})
    EXPECT_TRUE(Patience::IsWorthwhile(WithStatus(status))) << status;
  for (const int status : {200, 206, 302, 401, 403, 404, 416})
    EXPECT_FALSE(Patience::IsWorthwhile(WithStatus(status))) << status;
  HttpAnswer broken = WithStatus(200);
  broken.broken = "reset";
  EXPECT_TRUE(Patience::IsWorthwhile(broken));
}

TEST(Patience, AServerIsObeyedUpToALimit) {
  std::vector<std::string> notes;
  Patience patience("file", [&](const std::string& line) { notes.push_back(line); });
  HttpAnswer limited = WithStatus(429);
  limited.retry_after = seconds(1);
  const Stopwatch stopwatch;
  patience.WaitAfter(limited, false);
  EXPECT_GE(stopwatch.Seconds(), 1);
  EXPECT_TRUE(notes.empty());
  limited.retry_after = seconds(601);
  try {
    patience.WaitAfter(limited, false);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), HasSubstr("file: https://hub.example:443 answers 429: too many requests; it "
                                        "asks to try again in 11 minutes"));
  }
}

TEST(Patience, ProgressBeginsTheCountAnew) {
  std::vector<std::string> notes;
  Patience patience("file", [&](const std::string& line) { notes.push_back(line); });
  HttpAnswer broken = WithStatus(0);
  broken.broken = "reset by peer";
  patience.WaitAfter(broken, true);
  patience.WaitAfter(broken, true);
  for (int i = 0; i < 3; ++i) patience.WaitAfter(broken, false);
  EXPECT_THROW(patience.WaitAfter(broken, false), RunError);
  EXPECT_THAT(notes.front(), HasSubstr("file: reset by peer; trying again"));
}

}  // namespace
}  // namespace gemtune::io::hub
