#include "gemtune/io/hub/settings.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <system_error>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"

namespace gemtune::io::hub {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHuggingFace = "https://huggingface.co";
constexpr size_t kMaxTokenBytes = 4096;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// The first of these variables that is set and not empty; `name`, if given, receives which one.
std::string Environment(std::initializer_list<const char*> names, std::string* name = nullptr) {
  for (const char* candidate : names) {
    const char* const value = std::getenv(candidate);
    if (value == nullptr || Trimmed(value).empty()) continue;
    if (name != nullptr) *name = candidate;
    return std::string(Trimmed(value));
  }
  return "";
}

fs::path HomeDirectory() {
  if (const std::string home = Environment({"HOME"}); !home.empty()) return home;
  std::vector<char> text(1 << 14);
  passwd entry = {};
  passwd* found = nullptr;
  const bool is_known =
      ::getpwuid_r(::getuid(), &entry, text.data(), text.size(), &found) == 0 && found != nullptr;
  return is_known && found->pw_dir != nullptr ? fs::path(found->pw_dir) : fs::path();
}

// "~/x" as a shell would have written it; Python's programs accept it in these variables.
fs::path WithHome(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  return path.size() > 2 ? HomeDirectory() / path.substr(2) : HomeDirectory();
}

// The folder of the cache and of the token that `hf auth login` keeps; empty if there is no home folder.
fs::path HuggingFaceHome() {
  if (const std::string given = Environment({"HF_HOME"}); !given.empty()) return WithHome(given);
  if (const std::string cache = Environment({"XDG_CACHE_HOME"}); !cache.empty())
    return WithHome(cache) / "huggingface";
  const fs::path home = HomeDirectory();
  return home.empty() ? home : home / ".cache" / "huggingface";
}

// A token goes into a header, which a line break would end.
void CheckToken(const Settings& settings) {
  const auto is_visible = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (settings.token.size() > kMaxTokenBytes ||
      !std::all_of(settings.token.begin(), settings.token.end(), is_visible))
    Fail("{}: is not a token: one word of letters and digits, as hf_..., is needed", settings.token_place);
}

void FindToken(Settings& settings) {
  settings.token = Environment({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}, &settings.token_place);
  if (settings.token.empty()) {
    const std::string given = Environment({"HF_TOKEN_PATH"});
    const fs::path file = given.empty() ? HuggingFaceHome() / "token" : WithHome(given);
    std::error_code error;
    if (!fs::is_regular_file(file, error)) return;
    settings.token = std::string(Trimmed(ReadFile(file, kMaxTokenBytes)));
    settings.token_place = file.string();
  }
  CheckToken(settings);
}

bool IsSet(const char* name) {
  std::string value = Environment({name});
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::toupper(c); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::chrono::seconds Timeout() {
  constexpr const char* kName = "HF_HUB_DOWNLOAD_TIMEOUT";
  constexpr int kDefault = 30, kLongest = 86'400;
  const std::string text = Environment({kName});
  if (text.empty()) return std::chrono::seconds(kDefault);
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > kLongest)
    Fail("{}: '{}' is not a number of seconds between 1 and {}", kName, Printable(text), kLongest);
  return std::chrono::seconds(seconds);
}

}  // namespace

fs::path CacheDirectory() {
  const std::string given = Environment({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  if (!given.empty()) return WithHome(given);
  const fs::path home = HuggingFaceHome();
  return home.empty() ? home : home / "hub";
}

Settings SettingsFromEnvironment() {
  Settings settings;
  settings.endpoint = Environment({"HF_ENDPOINT"});
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (settings.endpoint.empty()) settings.endpoint = kHuggingFace;
  if (!settings.endpoint.starts_with("https://") && !settings.endpoint.starts_with("http://")) {
    Fail("HF_ENDPOINT: '{}' is not the address of a hub; it begins with https:// as {}",
         Printable(settings.endpoint), kHuggingFace);
  }
  FindToken(settings);
  settings.ca_bundle = Environment({"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"});
  settings.timeout = Timeout();
  settings.is_offline = IsSet("HF_HUB_OFFLINE") || IsSet("TRANSFORMERS_OFFLINE");
  return settings;
}

}  // namespace gemtune::io::hub
