#include "gemtune/io/hub/fetch.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/hub_environment.h"
#include "tests/support/loopback.h"

namespace gemtune::io::hub {
namespace {

namespace fs = std::filesystem;
using test::Loopback;

// The whole way is in tests/fetch_test.py, against a hub that misbehaves.
class HubFetch : public test::HubEnvironment {
 protected:
  HubFetch()
      : server_([](const std::string& request) {
          if (request.starts_with("GET /api/"))
            return Loopback::Reply(
                "200 OK", R"({"sha": ")" + std::string(40, 'a') +
                              R"(", "siblings": [{"rfilename": "config.json"}, {"rfilename": "x.bin"}]})");
          if (request.starts_with("HEAD"))
            return std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\nETag: \"") +
                   kEtag + "\"\r\n\r\n";
          // Only a part, then the rest.
          if (request.find("Range: bytes=1-") != request.npos)
            return Loopback::Reply("206 Partial", "bc", "Content-Range: bytes 1-2/3\r\n");
          return std::string("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
        }) {}

  // git's name of "abc"
  static constexpr const char* kEtag = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
  Loopback server_;
};

TEST_F(HubFetch, FetchesAFileInTwoParts) {
  std::vector<FetchProgress> told;
  const FetchOptions options{.repo = {.id = "a/b"},
                             .selection = {.files = {"config.json"}},
                             .progress = [&](const FetchProgress& progress) { told.push_back(progress); }};
  const Settings settings{.endpoint = server_.url(), .timeout = std::chrono::seconds(5)};
  const fs::path snapshot = Fetch(options, settings);
  EXPECT_EQ(ReadFile(snapshot / "config.json"), "abc");
  EXPECT_EQ(FindModel("a/b"), snapshot);
  ASSERT_GE(told.size(), 2);
  EXPECT_EQ(told.front().bytes, 1);
  EXPECT_TRUE(told.back().is_done);
  EXPECT_EQ(told.back().bytes, 3);
  EXPECT_EQ(told.back().fetched, 3);
  EXPECT_EQ(told.back().total, 3);
}

}  // namespace
}  // namespace gemtune::io::hub
