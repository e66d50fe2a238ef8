#include "gemtune/io/hub/repository.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "tests/support/hub_environment.h"
#include "tests/support/loopback.h"
#include "tests/support/message_of.h"

namespace gemtune::io::hub {
namespace {

using test::Loopback;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kCommit(40, 'a');
const std::string kDescription =
    R"({"sha": ")" + kCommit + R"(", "siblings": [{"rfilename": "config.json"}]})";

class HubRepository : public test::HubEnvironment {
 protected:
  static Settings At(const Loopback& server, const std::string& token = "") {
    return {.endpoint = server.url(),
            .token = token,
            .token_place = "HF_TOKEN",
            .timeout = std::chrono::seconds(5)};
  }

  // What opening says when the hub answers so.
  static std::string Refusal(const std::string& answer, const std::string& token = "") {
    Loopback server([&](const std::string&) { return answer; });
    return test::MessageOf([&] { Repository({.id = "a/b"}, At(server, token), nullptr).Open(); });
  }
};

TEST_F(HubRepository, IsAskedForARevision) {
  Loopback server([](const std::string&) { return Loopback::Reply("200 OK", kDescription); });
  Repository repository({.id = "a/b", .revision = "refs/pr/1"}, At(server), nullptr);
  repository.Open();
  EXPECT_EQ(repository.commit(), kCommit);
  EXPECT_THAT(repository.files(), ElementsAre("config.json"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("GET /api/models/a/b/revision/refs%2Fpr%2F1 HTTP/1.1\r\n"));
}

TEST_F(HubRepository, DescribesAFileByItsOwnOrItsLinkedHash) {
  std::string lines;
  Loopback server([&](const std::string& request) {
    return request.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nConnection: close\r\n" + lines + "\r\n"
                                       : Loopback::Reply("200 OK", kDescription);
  });
  Repository repository({.id = "a/b"}, At(server), nullptr);
  repository.Open();
  lines = "ETag: W/\"abc\"\r\nContent-Length: 5\r\n";
  EXPECT_EQ(repository.Describe("x y").etag, "abc");
  EXPECT_EQ(repository.Describe("x y").bytes, 5);
  EXPECT_THAT(server.requests().back(), HasSubstr("HEAD /a/b/resolve/" + kCommit + "/x%20y HTTP/1.1\r\n"));
  lines += "X-Linked-Etag: \"def\"\r\nX-Linked-Size: 99999999999\r\n";
  EXPECT_EQ(repository.Describe("x").etag, "def");
  EXPECT_EQ(repository.Describe("x").bytes, 99'999'999'999);
  for (const char* bad :
       {"", "Content-Length: 5\r\n", "ETag: \"../x\"\r\nContent-Length: 5\r\n", "ETag: \"x\"\r\n"}) {
    lines = bad;
    EXPECT_THROW(repository.Describe("x"), RunError) << bad;
  }
}

TEST_F(HubRepository, SaysWhatToDoAboutAccess) {
  const auto error = [](const std::string& status, const std::string& code) {
    return Loopback::Reply(status, "", "X-Error-Code: " + code + "\r\n");
  };
  EXPECT_THAT(Refusal(error("401 Unauthorized", "GatedRepo")),
              HasSubstr("a/b: is gated: accept its terms at"));
  EXPECT_THAT(Refusal(error("403 Forbidden", "GatedRepo"), "hf_x"),
              HasSubstr("the token of HF_TOKEN gives no access"));
  EXPECT_THAT(Refusal(error("401 Unauthorized", "RepoNotFound")),
              HasSubstr("no such repository, or it is private"));
  EXPECT_THAT(Refusal(error("404 Not Found", "RepoNotFound"), "hf_x"),
              HasSubstr("the token of HF_TOKEN does not show it"));
  EXPECT_THAT(Refusal(error("404 Not Found", "RevisionNotFound")),
              HasSubstr("has no branch, tag or commit 'main'"));
  EXPECT_THAT(Refusal(error("401 Unauthorized", ""), "hf_x"),
              HasSubstr("does not accept the token of HF_TOKEN"));
  EXPECT_THAT(Refusal(error("403 Forbidden", "")), HasSubstr("may need a token"));
  EXPECT_THAT(Refusal(Loopback::Reply("403 Forbidden", "", "X-Error-Message: blocked\x1b[2J\r\n"), "hf_x"),
              HasSubstr("(403: blocked\\x1b[2J)"));
}

TEST_F(HubRepository, ADescriptionThatIsNone) {
  for (const std::string& body : {std::string("{}"), std::string("[]"), std::string("<html>"),
                                  std::string(R"({"sha": "../x", "siblings": []})")}) {
    Loopback server([&](const std::string&) { return Loopback::Reply("200 OK", body); });
    EXPECT_THROW(Repository({.id = "a/b"}, At(server), nullptr).Open(), RunError) << body;
  }
}

}  // namespace
}  // namespace gemtune::io::hub
