#include "gemtune/cli/fetch.h"

#include <gmock/gmock.h>

#include "tests/cli/run_program.h"
#include "tests/support/hub_environment.h"
#include "tests/support/loopback.h"

namespace gemtune::cli {
namespace {

using test::Loopback;
using test::RunProgram;
using testing::HasSubstr;

// The whole way is in tests/fetch_test.py, against a hub that misbehaves.
class FetchCommand : public test::HubEnvironment {};

TEST_F(FetchCommand, PrintsTheSnapshotOrTheFileAlone) {
  const std::string commit(40, 'a');
  Loopback server([&](const std::string& request) {
    if (request.starts_with("GET /api/"))
      return Loopback::Reply("200 OK",
                             R"({"sha": ")" + commit + R"(", "siblings": [{"rfilename": "config.json"}]})");
    const std::string head =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n"
        "ETag: \"f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f\"\r\n\r\n";
    return request.starts_with("HEAD") ? head : head + "abc";
  });
  Set("HF_ENDPOINT", server.url());
  const std::string snapshot = (dir_ / ".cache/huggingface/hub/models--a--b/snapshots" / commit).string();
  const auto first = RunProgram({"fetch", "a/b"});
  ASSERT_EQ(first.exit_code, kDone) << first.err;
  EXPECT_EQ(first.out, snapshot + "\n");
  EXPECT_THAT(first.err, "config.json: 3 bytes\n");
  const auto again = RunProgram({"fetch", "a/b", "config.json"});
  EXPECT_EQ(again.out, snapshot + "/config.json\n");
  EXPECT_EQ(again.err, "");
}

TEST_F(FetchCommand, SaysWhatIsWrongInOneLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{}, "REPO is required"},
      {{"a/b/c"}, "'a/b/c' is not the name of a repository"},
      {{"a/b", "--revision", ".."}, "--revision: '..' is not a branch, tag or commit"},
      {{"a/b@v1", "--revision", "v2"}, "--revision v2: is another one than that of a/b@v1"},
      {{"a/b", "x", "--include", "*"}, "--include: is for when no FILE is named"},
      {{"a/b", "--token", "hf_x"}, "unknown option --token"},
  };
  for (const auto& [arguments, complaint] : mistakes) {
    std::vector<std::string> line = {"fetch"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const auto run = RunProgram(line);
    EXPECT_EQ(run.exit_code, kBadInput) << complaint;
    EXPECT_THAT(run.err, HasSubstr(complaint));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  }
}

}  // namespace
}  // namespace gemtune::cli
