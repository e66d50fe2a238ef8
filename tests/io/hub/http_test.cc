#include "gemtune/io/hub/http.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "tests/support/hub_environment.h"
#include "tests/support/loopback.h"
#include "tests/support/message_of.h"

namespace gemtune::io::hub {
namespace {

using test::Loopback;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class HubHttp : public test::HubEnvironment {};

TEST_F(HubHttp, TheOriginOfAnAddress) {
  EXPECT_EQ(OriginOf("https://HuggingFace.co/google?x"), "https://huggingface.co:443");
  EXPECT_EQ(OriginOf("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
  // Whom libcurl would speak to, whatever it looks like.
  EXPECT_EQ(OriginOf("https://huggingface.co@evil.example/"), "https://evil.example:443");
  for (const char* url : {"", "x", "file:///etc/passwd", "ftp://x/", "/x", "https://"})
    EXPECT_THAT(test::MessageOf([&] { OriginOf(url); }), HasSubstr("is not an address")) << url;
}

TEST_F(HubHttp, AnAnswer) {
  Loopback server(
      [](const std::string&) { return Loopback::Reply("200 OK", "body", "X-Thing:  value \r\n"); });
  Http http({.home = OriginOf(server.url()), .token = "hf_x"});
  const HttpAnswer answer = http.Send({.url = server.url() + "/path"});
  EXPECT_TRUE(answer.is_whole());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.Header("x-thing"), "value");
  EXPECT_EQ(answer.Header("x-other"), "");
  ASSERT_THAT(server.requests(), SizeIs(1));
  EXPECT_THAT(server.requests()[0], HasSubstr("GET /path HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("Authorization: Bearer hf_x\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("Accept-Encoding: identity\r\n"));
  EXPECT_THAT(server.requests()[0], Not(HasSubstr("Range:")));
}

TEST_F(HubHttp, TheTokenDoesNotGoElsewhere) {
  Loopback other([](const std::string&) { return Loopback::Reply("200 OK", "stored"); });
  Loopback home([&](const std::string&) {
    return Loopback::Reply("302 Found", "see there",
                           "Location: " + other.url() + "/x\r\nX-Linked-Size: 6\r\n");
  });
  Http http({.home = OriginOf(home.url()), .token = "hf_x"});
  std::string taken;
  const HttpAnswer answer =
      http.Send({.url = home.url(), .from = 5}, [&](const HttpAnswer& head, auto bytes) {
        EXPECT_EQ(head.status, 200);
        taken.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      });
  EXPECT_EQ(taken, "stored");
  EXPECT_EQ(answer.url, other.url() + "/x");
  EXPECT_THAT(home.requests().at(0), HasSubstr("Bearer hf_x"));
  EXPECT_THAT(other.requests().at(0), Not(HasSubstr("Authorization")));
  EXPECT_THAT(other.requests().at(0), HasSubstr("Range: bytes=5-\r\n"));

  const HttpAnswer head = http.Send({.url = home.url(), .is_head = true});
  EXPECT_EQ(head.status, 302);
  EXPECT_EQ(head.Header("x-linked-size"), "6");
  EXPECT_THAT(other.requests(), SizeIs(1));
}

TEST_F(HubHttp, WhatBreaks) {
  Loopback server([](const std::string& request) {
    const std::string whole = Loopback::Reply("200 OK", std::string(1000, 'x'));
    return request.starts_with("GET /half") ? whole.substr(0, whole.size() - 500) : std::string();
  });
  Http http({.home = OriginOf(server.url())});
  const HttpAnswer half = http.Send({.url = server.url() + "/half"});
  EXPECT_EQ(half.status, 200);
  EXPECT_NE(half.broken, "");
  EXPECT_FALSE(half.is_whole());
  EXPECT_NE(http.Send({.url = server.url() + "/none"}).broken, "");
  EXPECT_EQ(http.Send({.url = "http://127.0.0.1:9"}).status, 0);
}

TEST_F(HubHttp, WhatASinkThrowsComesOut) {
  Loopback server([](const std::string&) { return Loopback::Reply("200 OK", "x"); });
  Http http({.home = OriginOf(server.url())});
  EXPECT_THROW(
      http.Send({.url = server.url()}, [](const HttpAnswer&, auto) { throw std::out_of_range("enough"); }),
      std::out_of_range);
  EXPECT_EQ(http.Send({.url = server.url()}).body, "x");
}

TEST_F(HubHttp, BodiesAndRedirectsHaveAnEnd) {
  Loopback server([](const std::string& request) {
    if (request.starts_with("GET /long")) return Loopback::Reply("200 OK", std::string((16 << 20) + 1, 'x'));
    if (request.starts_with("GET /page"))
      return Loopback::Reply("500 Oops", std::string((16 << 20) + 1, 'x'));
    return Loopback::Reply("302 Found", "", "Location: /again\r\n");
  });
  Http http({.home = OriginOf(server.url())});
  EXPECT_THROW(http.Send({.url = server.url() + "/long"}), RunError);
  EXPECT_EQ(http.Send({.url = server.url() + "/page"}).status, 500);
  EXPECT_THROW(http.Send({.url = server.url()}), RunError);
  EXPECT_THAT(server.requests(), SizeIs(2 + 6));
}

TEST_F(HubHttp, NothingButHttpIsAsked) {
  Loopback server([](const std::string&) {
    return Loopback::Reply("302 Found", "", "Location: file:///etc/passwd\r\n");
  });
  Http http({.home = OriginOf(server.url())});
  EXPECT_THROW(http.Send({.url = server.url()}), RunError);
  EXPECT_THROW(http.Send({.url = server.url(), .is_head = true}), RunError);
  EXPECT_NE(http.Send({.url = "file:///etc/passwd"}).broken, "");
}

TEST_F(HubHttp, HowLongAServerAsksToWait) {
  Loopback server([](const std::string& request) {
    return Loopback::Reply("429 Too Many", "",
                           request.starts_with("GET /a")   ? "Retry-After: 7\r\n"
                           : request.starts_with("GET /b") ? "RateLimit: \"api\";r=0;t=55\r\n"
                                                           : "");
  });
  Http http({.home = OriginOf(server.url())});
  EXPECT_EQ(http.Send({.url = server.url() + "/a"}).retry_after, std::chrono::seconds(7));
  EXPECT_EQ(http.Send({.url = server.url() + "/b"}).retry_after, std::chrono::seconds(55));
  EXPECT_EQ(http.Send({.url = server.url() + "/c"}).retry_after, std::nullopt);
}

}  // namespace
}  // namespace gemtune::io::hub
