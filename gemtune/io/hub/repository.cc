#include "gemtune/io/hub/repository.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/io/hub/digest.h"
#include "gemtune/io/json_file.h"

namespace gemtune::io::hub {
namespace {

constexpr size_t kCommitDigits = 40, kLongestEtag = 128;

// For an address, of which it is one part; with `slashes` a path.
std::string Quoted(std::string_view text, bool slashes) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string quoted;
  for (const char c : text) {
    const bool is_plain = kPlain.find(c) != kPlain.npos || (slashes && c == '/');
    quoted += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return quoted;
}

// W/"abc" → abc; "" for what cannot be a file's name.
std::string NameOfEtag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  const bool is_name = IsSafeFileName(etag) && etag.find('/') == etag.npos && etag.size() <= kLongestEtag;
  return is_name ? etag : "";
}

}  // namespace

Repository::Repository(RepoName name, const Settings& settings, Note note)
    : name_(std::move(name)),
      settings_(settings),
      note_(std::move(note)),
      http_({.home = OriginOf(settings.endpoint),
             .token = settings.token,
             .ca_bundle = settings.ca_bundle,
             .timeout = settings.timeout}) {}

void Repository::Open() {
  const std::string place = name_.str();
  const HttpAnswer answer = Ask({.url = fmt::format("{}/api/models/{}/revision/{}", settings_.endpoint,
                                                    name_.id, Quoted(name_.revision, false))},
                                place);
  const std::string complaint =
      fmt::format("{}: {} answers with what is no description of a model", place, settings_.endpoint);
  try {
    const auto json = ParseJson(answer.body, place);
    commit_ = json.at("sha").get<std::string>();
    for (const auto& sibling : json.at("siblings"))
      files_.push_back(sibling.at("rfilename").get<std::string>());
  } catch (const nlohmann::json::exception&) {
    throw RunError(complaint + "; is HF_ENDPOINT right?");
  } catch (const Error&) {
    throw RunError(complaint + "; is HF_ENDPOINT right?");
  }
  if (!IsHex(commit_, kCommitDigits))
    throw RunError(fmt::format("{}: '{}' is not a commit", complaint, Printable(commit_)));
}

std::string Repository::FileUrl(const std::string& file) const {
  return fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, name_.id, commit_, Quoted(file, true));
}

RemoteFile Repository::Describe(const std::string& file) {
  const std::string what = fmt::format("{}: {}", name_.str(), Printable(file, 200));
  const HttpAnswer answer = Ask({.url = FileUrl(file), .is_head = true}, what);
  const auto either = [&](const char* linked, const char* own) {
    const std::string first = answer.Header(linked);
    return first.empty() ? answer.Header(own) : first;
  };
  RemoteFile described{.name = file, .etag = NameOfEtag(either("x-linked-etag", "etag"))};
  if (described.etag.empty())
    throw RunError(fmt::format("{}: {} gives no hash of it (ETag)", what, settings_.endpoint));
  const std::string bytes = either("x-linked-size", "content-length");
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), described.bytes);
  if (error != std::errc() || end != bytes.data() + bytes.size())
    throw RunError(fmt::format("{}: {} does not say how large it is", what, settings_.endpoint));
  return described;
}

HttpAnswer Repository::Ask(const HttpRequest& request, const std::string& what) {
  Patience patience(what, note_);
  for (bool is_first = true;; is_first = false) {
    const HttpAnswer answer = http_.Send(request);
    // Nothing was reached at all: more likely a wrong address than one that comes back in a second.
    if (is_first && commit_.empty() && answer.status == 0) {
      throw RunError(
          fmt::format("{}: {} cannot be reached: {}; HF_ENDPOINT and HTTPS_PROXY say where and how", what,
                      settings_.endpoint, answer.broken));
    }
    if (!Patience::IsWorthwhile(answer)) {
      RefuseFault(answer, what);
      return answer;
    }
    patience.WaitAfter(answer, /*has_gained=*/false);
  }
}

HttpAnswer Repository::Get(const std::string& file, uint64_t from, const HttpSink& sink) {
  HttpAnswer answer = http_.Send({.url = FileUrl(file), .from = from}, sink);
  // Where files are stored, an address is good for some time only; the hub gives a new one.
  const bool is_of_hub = OriginOf(answer.url) == http_.home();
  if (is_of_hub && !Patience::IsWorthwhile(answer) && answer.status != 416)
    RefuseFault(answer, fmt::format("{}: {}", name_.str(), Printable(file, 200)));
  return answer;
}

void Repository::RefuseFault(const HttpAnswer& answer, const std::string& what) const {
  // 302: a HEAD whose file is stored elsewhere.
  if (answer.status >= 200 && answer.status < 400) return;
  const std::string code = answer.Header("x-error-code");
  if (code == "RevisionNotFound") {
    Fail("{}: {} has no branch, tag or commit '{}'", name_.id, settings_.endpoint, Printable(name_.revision));
  }
  if (code == "EntryNotFound") Fail("{}: there is no such file at commit {}", what, commit_);
  const bool is_of_access = answer.status == 401 || answer.status == 403 || answer.status == 404;
  if (is_of_access) FailOfAccess(answer, what);
  const std::string message = answer.Header("x-error-message");
  throw RunError(fmt::format("{}: {} answers {}{}", what, settings_.endpoint, answer.status,
                             message.empty() ? "" : ": " + Printable(message, 200)));
}

// A hub hides what the caller may not see: without a token a repository that is private and one that does not
// exist get the same answer.
void Repository::FailOfAccess(const HttpAnswer& answer, const std::string& what) const {
  const std::string code = answer.Header("x-error-code");
  const std::string tokens = settings_.endpoint + "/settings/tokens";
  const bool has_token = !settings_.token.empty();
  if (code == "GatedRepo" || code == "ManualGatedRepo") {
    if (!has_token) {
      Fail("{0}: is gated: accept its terms at {1}/{2}, make a token at {3}, and set HF_TOKEN to it", what,
           settings_.endpoint, name_.id, tokens);
    }
    Fail(
        "{0}: is gated, and the token of {1} gives no access: accept its terms at {2}/{3} with that account, "
        "and let the token read gated repositories ({4})",
        what, settings_.token_place, settings_.endpoint, name_.id, tokens);
  }
  if (code == "RepoNotFound" || answer.status == 404) {
    Fail("{}: {} has no such repository, or it is private, which needs a token in HF_TOKEN ({}){}", what,
         settings_.endpoint, tokens,
         has_token ? fmt::format("; the token of {} does not show it", settings_.token_place) : "");
  }
  if (answer.status == 401 && has_token) {
    Fail("{}: {} does not accept the token of {}; make one at {}", what, settings_.endpoint,
         settings_.token_place, tokens);
  }
  const std::string message = answer.Header("x-error-message");
  Fail("{}: {} refuses it ({}{}); {}", what, settings_.endpoint, answer.status,
       message.empty() ? "" : ": " + Printable(message, 200),
       has_token ? fmt::format("see what the token of {} may do at {}", settings_.token_place, tokens)
                 : fmt::format("it may need a token in HF_TOKEN ({})", tokens));
}

}  // namespace gemtune::io::hub
