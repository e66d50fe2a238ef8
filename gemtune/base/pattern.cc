#include "gemtune/base/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "gemtune/base/error.h"

namespace gemtune {
namespace {

constexpr size_t kMaxBytes = 4096;
constexpr uint32_t kMaxDepth = 50;
// The limit for one match. A typical expression needs some hundred steps for a name of 60 bytes; a hundred
// thousand take about a millisecond.
constexpr uint32_t kMaxSteps = 100'000;
constexpr uint32_t kMaxKibibytes = 64 * 1024;

template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, FreeBy<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, FreeBy<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, FreeBy<pcre2_match_data_free>>;

template <typename T>
T NotNull(T pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

CompileContext MakeCompileContext() {
  CompileContext context(NotNull(pcre2_compile_context_create(nullptr)));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // what . does not match
  pcre2_set_parens_nest_limit(context.get(), kMaxDepth);
  return context;
}

MatchContext MakeMatchContext() {
  MatchContext context(NotNull(pcre2_match_context_create(nullptr)));
  pcre2_set_match_limit(context.get(), kMaxSteps);
  pcre2_set_heap_limit(context.get(), kMaxKibibytes);
  return context;
}

std::string MessageOf(int error) {
  std::string message(256, '\0');
  const int length =
      pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message.data()), message.size());
  message.resize(length > 0 ? static_cast<size_t>(length) : 0);
  return message;
}

PCRE2_SPTR Bytes(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

Pattern::Pattern(const std::string& text, const std::string& place) : text_(text), place_(place) {
  const auto complain = [&](std::string_view what) {
    Fail("{} '{}' is not a regular expression: {}", place_, Printable(text_), what);
  };
  if (text_.size() > kMaxBytes) complain(fmt::format("longer than {} bytes", kMaxBytes));
  // PCRE2 before 10.43 would match these characters literally; Python reads them as a count.
  if (text_.find("{,") != std::string::npos) complain("'{,' is not supported; write {0,n}");
  constexpr uint32_t kOptions =
      PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* const code =
      pcre2_compile(Bytes(text_), text_.size(), kOptions, &error, &at, MakeCompileContext().get());
  if (code == nullptr) complain(fmt::format("{} (at byte {} of {})", MessageOf(error), at, text_.size()));
  code_.reset(code, pcre2_code_free);
}

// Where the expression matched: of the first group that took part, or the whole.
struct Pattern::Match {
  size_t begin, end;
};

std::optional<Pattern::Match> Pattern::Run(std::string_view name, uint32_t options) const {
  const MatchContext context = MakeMatchContext();
  const MatchData data(NotNull(pcre2_match_data_create(2, nullptr)));
  const int result =
      pcre2_match(code_.get(), Bytes(name), name.size(), 0, options, data.get(), context.get());
  if (result >= 0) {  // 0: more groups than two
    const PCRE2_SIZE* const places = pcre2_get_ovector_pointer(data.get());
    const int group = result == 1 ? 0 : 1;
    return Match{places[2 * group], places[2 * group + 1]};
  }
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_HEAPLIMIT) {
    Fail("{} '{}' takes too many steps to match '{}'; write it with fewer * and +, or not one within another",
         place_, Printable(text_), Printable(name));
  }
  Fail("{} '{}' cannot be matched with '{}': {}", place_, Printable(text_), Printable(name),
       MessageOf(result));
}

bool Pattern::Matches(std::string_view name) const {
  return Run(name, PCRE2_ANCHORED | PCRE2_ENDANCHORED).has_value();
}

bool Pattern::IsFoundIn(std::string_view name) const {
  return Run(name, 0).has_value();
}

std::optional<std::string_view> Pattern::Find(std::string_view text) const {
  const std::optional<Match> match = Run(text, 0);
  if (!match) return std::nullopt;
  // A group that took no part is PCRE2_UNSET at both ends.
  if (match->begin > text.size()) return std::string_view();
  return text.substr(match->begin, match->end - match->begin);
}

}  // namespace gemtune
