#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace gemtune::io::hub {

/// A question to a server.
struct HttpRequest {
  std::string url;
  bool is_head = false;  // the headers alone
  uint64_t from = 0;     // asks for the bytes from here to the end
};

/// What came back.
struct HttpAnswer {
  int status = 0;                              // 0: the connection failed before anything came
  std::string url;                             // who answered, behind all redirects
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;                            // where no sink took it
  std::string broken;                          // why the connection failed or broke, "" if it did not
  std::optional<std::chrono::seconds> retry_after = {};  // how long the server asks to wait

  /// "" if there is no such header.
  std::string Header(const std::string& name) const;

  bool is_whole() const { return broken.empty() && status >= 200 && status < 300; }
};

/// Receives the body of an answer with a status of 200 to 299, piece by piece; the answer has its status and
/// headers. What it throws ends the request and comes out of Send.
using HttpSink = std::function<void(const HttpAnswer& answer, std::span<const std::byte> bytes)>;

/// "https://huggingface.co:443" of "https://huggingface.co/google": whom an address speaks to. Throws Error
/// for what is not an http or https address, or if libcurl is missing.
std::string OriginOf(const std::string& url);

/// Speaks HTTP through libcurl, which is loaded when it is first needed: linking it would load some 25
/// libraries at every start of the program, and bind it to one of libcurl's two builds.
///
/// Proxies are libcurl's affair (HTTPS_PROXY, NO_PROXY and so on), and so are the system's certificates.
class Http {
 public:
  struct Options {
    std::string home;                                         // OriginOf the hub
    std::string token;                                        // sent to home alone; "": none
    std::string ca_bundle;                                    // a file of certificates; "": the system's
    std::chrono::seconds timeout = std::chrono::seconds(30);  // without a byte; then the connection is broken
  };

  /// Throws Error if libcurl is missing.
  explicit Http(Options options);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  /// Follows up to five redirects. Of a HEAD only those within `home`: what a hub says of a file stands in
  /// its own answer, which has status 302 then. Throws RunError for more redirects, for one from https to
  /// http, for a body of more than 16 MB without a sink and for certificates that are not trusted. A
  /// connection that fails is an answer that is `broken`.
  HttpAnswer Send(const HttpRequest& request, const HttpSink& sink = {});

  const std::string& home() const { return options_.home; }

 private:
  struct Exchange;
  HttpAnswer SendOnce(const std::string& url, const HttpRequest& request, const HttpSink& sink,
                      std::string& location);

  Options options_;
  void* handle_;  // libcurl's, which keeps connections open between requests
};

}  // namespace gemtune::io::hub
