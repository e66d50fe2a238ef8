#include "gemtune/io/hub/http.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/pattern.h"
#include "gemtune/io/hub/libcurl.h"

namespace gemtune::io::hub {
namespace {

constexpr int kMaxRedirects = 5;
constexpr size_t kMaxBody = size_t{16} << 20;
constexpr size_t kMaxHeader = 8192;
constexpr long kConnectSeconds = 30;

std::string InSmallLetters(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  return small;
}

// The parts of an address, as libcurl itself reads them: who is asked and who is sent the token must be the
// same.
class Address {
 public:
  explicit Address(const std::string& url) : curl_(LoadLibCurl()), handle_(curl_.url()) {
    if (handle_ == nullptr) throw std::bad_alloc();
    const bool is_read = curl_.url_set(handle_, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK;
    if (!is_read || (Part(CURLUPART_SCHEME) != "https" && Part(CURLUPART_SCHEME) != "http")) {
      curl_.url_cleanup(handle_);
      Fail("'{}' is not an address that begins with https:// or http://", Printable(url, 200));
    }
  }
  ~Address() { curl_.url_cleanup(handle_); }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;

  std::string scheme() const { return Part(CURLUPART_SCHEME); }
  std::string origin() const {
    return fmt::format("{}://{}:{}", scheme(), InSmallLetters(Part(CURLUPART_HOST)), Part(CURLUPART_PORT));
  }

 private:
  std::string Part(CURLUPart part) const {
    char* text = nullptr;
    if (curl_.url_get(handle_, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
    const std::string copy = text;
    curl_.free(text);
    return copy;
  }

  const LibCurl& curl_;
  CURLU* handle_;
};

// Certificates do not become better by asking again, as a connection may.
bool IsOfCertificates(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR;
}

// What huggingface.co sends instead of Retry-After: "api";r=0;t=55
std::optional<std::chrono::seconds> ResetOf(const std::string& rate_limit) {
  if (rate_limit.empty()) return std::nullopt;
  static const Pattern pattern(R"(;\s*t\s*=\s*([0-9]{1,9})(?![0-9]))", "RateLimit");
  const std::optional<std::string_view> digits = pattern.Find(rate_limit);
  return digits ? std::optional(std::chrono::seconds(std::stol(std::string(*digits)))) : std::nullopt;
}

}  // namespace

std::string HttpAnswer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string OriginOf(const std::string& url) {
  return Address(url).origin();
}

// One request while libcurl works on it. Its callbacks are C's, through which no exception may go.
struct Http::Exchange {
  const LibCurl& curl;
  CURL* handle;
  const HttpSink& sink;
  HttpAnswer& answer;
  std::exception_ptr thrown = nullptr;

  static size_t OnHeader(char* bytes, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->Guarded(size, [&](Exchange& exchange) {
      exchange.Header({bytes, size});
    });
  }

  static size_t OnBody(char* bytes, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->Guarded(size, [&](Exchange& exchange) {
      exchange.Body({bytes, size});
    });
  }

  // Another number than `size` ends the request.
  template <typename Action>
  size_t Guarded(size_t size, Action action) {
    try {
      action(*this);
      return size;
    } catch (...) {
      thrown = std::current_exception();
      return size == 0 ? 1 : 0;
    }
  }

  void Header(std::string_view line) {
    if (line.starts_with("HTTP/"))
      answer.headers.clear();  // the ones before are of a proxy, or of status 100
    const size_t colon = line.find(':');
    if (colon == line.npos || line.size() > kMaxHeader) return;
    const auto is_space = [](unsigned char c) { return c <= ' '; };
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
    while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
    answer.headers[InSmallLetters(line.substr(0, colon))] = value;
  }

  void Body(std::string_view bytes) {
    answer.status = Status();
    const bool is_wanted = answer.status >= 200 && answer.status < 300;
    if (sink && is_wanted) return sink(answer, std::as_bytes(std::span(bytes)));
    if (answer.body.size() + bytes.size() > kMaxBody) {
      if (!is_wanted) return;  // an error's page, of which the beginning is enough
      throw RunError(fmt::format("{}: the answer is longer than {} bytes", answer.url, kMaxBody));
    }
    answer.body += bytes;
  }

  int Status() const {
    long status = 0;
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
};

Http::Http(Options options) : options_(std::move(options)), handle_(LoadLibCurl().easy_init()) {
  if (handle_ == nullptr) throw std::bad_alloc();
}

Http::~Http() {
  LoadLibCurl().easy_cleanup(handle_);
}

HttpAnswer Http::SendOnce(const std::string& url, const HttpRequest& request, const HttpSink& sink,
                          std::string& location) {
  const LibCurl& curl = LoadLibCurl();
  HttpAnswer answer{.url = url};
  Exchange exchange{curl, handle_, sink, answer};
  std::array<char, CURL_ERROR_SIZE> error = {};
  curl_slist* lines = nullptr;
  const auto add = [&](const std::string& line) { lines = curl.slist_append(lines, line.c_str()); };
  add("Accept-Encoding: identity");  // sizes and hashes are those of the file itself
  if (!options_.token.empty() && OriginOf(url) == options_.home)
    add("Authorization: Bearer " + options_.token);
  const std::unique_ptr<curl_slist, decltype(curl.slist_free_all)> keeper(lines, curl.slist_free_all);

  curl.easy_reset(handle_);
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(handle_, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_HTTPHEADER, lines);
  set(CURLOPT_USERAGENT, "gemtune");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  set(CURLOPT_NOBODY, request.is_head ? 1L : 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_CONNECTTIMEOUT, std::min(kConnectSeconds, static_cast<long>(options_.timeout.count())));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.timeout.count()));
  set(CURLOPT_ERRORBUFFER, error.data());
  set(CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  if (!options_.ca_bundle.empty()) set(CURLOPT_CAINFO, options_.ca_bundle.c_str());
  const std::string range = fmt::format("{}-", request.from);
  if (request.from > 0) set(CURLOPT_RANGE, range.c_str());

  const CURLcode code = curl.easy_perform(handle_);
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  answer.status = exchange.Status();
  if (code != CURLE_OK) {
    answer.broken = Printable(error[0] == '\0' ? curl.easy_strerror(code) : error.data(), 200);
    if (IsOfCertificates(code)) {
      throw RunError(
          fmt::format("{}: its certificate is not trusted: {}; SSL_CERT_FILE can name other certificates",
                      OriginOf(url), answer.broken));
    }
  }
  char* target = nullptr;
  if (curl.easy_getinfo(handle_, CURLINFO_REDIRECT_URL, &target) == CURLE_OK && target != nullptr)
    location = target;
  curl_off_t seconds = 0;
  if (curl.easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
    answer.retry_after = std::chrono::seconds(seconds);
  if (!answer.retry_after) answer.retry_after = ResetOf(answer.Header("ratelimit"));
  return answer;
}

HttpAnswer Http::Send(const HttpRequest& request, const HttpSink& sink) {
  std::string url = request.url;
  std::map<std::string, std::string> said;  // by the hub itself on the way
  for (int redirects = 0;; ++redirects) {
    std::string location;
    HttpAnswer answer = SendOnce(url, request, sink, location);
    for (const char* name : {"x-linked-etag", "x-linked-size"}) {
      if (request.is_head && answer.headers.contains(name)) said[name] = answer.headers[name];
    }
    answer.headers.insert(said.begin(), said.end());
    if (location.empty() || !answer.broken.empty()) return answer;
    try {
      const Address target(location);
      if (request.is_head && target.origin() != options_.home) return answer;
      if (Address(url).scheme() == "https" && target.scheme() == "http")
        throw RunError(fmt::format("{}: redirects from https to http, which is not followed", OriginOf(url)));
    } catch (const Error& error) {
      throw RunError(fmt::format("{}: redirects to what is no address: {}", OriginOf(url), error.what()));
    }
    if (redirects == kMaxRedirects)
      throw RunError(fmt::format("{}: more than {} redirects", OriginOf(request.url), kMaxRedirects));
    url = location;
  }
}

}  // namespace gemtune::io::hub
