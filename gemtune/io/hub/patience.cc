#include "gemtune/io/hub/patience.h"

#include <chrono>
#include <string_view>
#include <thread>

#include "gemtune/base/error.h"

namespace gemtune::io::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kTries = 5;
constexpr milliseconds kFirstWait(500);
constexpr seconds kLongestWait(600);
constexpr seconds kWorthANote(5);

std::string Reason(const HttpAnswer& answer) {
  if (!answer.broken.empty()) return answer.broken;
  return fmt::format("{} answers {}", OriginOf(answer.url), answer.status);
}

}  // namespace

bool Patience::IsWorthwhile(const HttpAnswer& answer) {
  return !answer.broken.empty() || answer.status == 408 || answer.status == 429 || answer.status >= 500;
}

void Patience::WaitAfter(const HttpAnswer& answer, bool has_gained) {
  failures_ = has_gained ? 1 : failures_ + 1;
  const bool is_limited = answer.status == 429;
  if (answer.retry_after && *answer.retry_after > kLongestWait) {
    throw RunError(fmt::format("{}: {}: too many requests; it asks to try again in {} minutes", what_,
                               Reason(answer), (answer.retry_after->count() + 59) / 60));
  }
  if (failures_ >= kTries) {
    throw RunError(fmt::format("{}: {} ({} tries); running it again goes on from here{}", what_,
                               Reason(answer), kTries, is_limited ? ", in some minutes" : ""));
  }
  milliseconds wait = kFirstWait * (1 << (failures_ - 1));
  const bool is_told = answer.retry_after.has_value() && (is_limited || answer.status == 503);
  if (is_told) wait = *answer.retry_after;
  if (note_ && (is_told ? wait >= kWorthANote : true)) {
    note_(is_told ? fmt::format("{}: {}: waiting for {} s, as it asks", what_, Reason(answer),
                                wait.count() / 1000)
                  : fmt::format("{}: {}; trying again", what_, Reason(answer)));
  }
  std::this_thread::sleep_for(wait);
}

}  // namespace gemtune::io::hub
