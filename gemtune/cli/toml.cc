#include "gemtune/cli/toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::cli {
namespace {

// The character after a backslash, and its meaning.
constexpr std::pair<char, char> kEscapes[] = {{'"', '"'},  {'\\', '\\'}, {'n', '\n'}, {'t', '\t'},
                                              {'r', '\r'}, {'b', '\b'},  {'f', '\f'}};

class Reader {
 public:
  Reader(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  std::vector<TomlEntry> Entries() {
    std::vector<TomlEntry> entries;
    std::set<std::string> keys;
    for (SkipBlank(); !AtEnd(); SkipBlank()) {
      entries.push_back(Entry());
      if (!keys.insert(entries.back().key).second)
        FailHere("'{}' occurs twice", Printable(entries.back().key));
      SkipSpaces();
      if (AtEnd() || text_[at_] == '#' || text_[at_] == '\n') continue;
      FailHere("there is more behind the value of '{}'; texts stand in quotes, lists in [ ]",
               Printable(entries.back().key));
    }
    return entries;
  }

 private:
  template <typename... Args>
  [[noreturn]] void FailHere(fmt::format_string<Args...> format, Args&&... args) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<int64_t>(at_), '\n');
    Fail("{}: line {}: {}", source_, line, fmt::format(format, std::forward<Args>(args)...));
  }

  bool AtEnd() const { return at_ == text_.size(); }

  void SkipSpaces() { at_ = std::min(text_.find_first_not_of(" \t\r", at_), text_.size()); }

  // Skips spaces, line ends and comments.
  void SkipBlank() {
    for (;;) {
      at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
      if (AtEnd() || text_[at_] != '#') return;
      at_ = std::min(text_.find('\n', at_), text_.size());
    }
  }

  // The text up to the first of `ends`.
  std::string Word(std::string_view ends) {
    const size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    return std::string(text_.substr(std::exchange(at_, end), end - at_));
  }

  TomlEntry Entry() {
    TomlEntry entry{.key = Word("= \t\r\n#"), .values = {}};
    SkipSpaces();
    if (entry.key.empty() || AtEnd() || text_[at_] != '=')
      FailHere("'{}' is not followed by = and a value", Printable(entry.key));
    ++at_;
    SkipSpaces();
    if (AtEnd() || text_[at_] != '[') {
      entry.values.push_back(Value(entry.key));
      return entry;
    }
    ++at_;
    for (SkipBlank(); AtEnd() || text_[at_] != ']'; SkipBlank()) {
      entry.values.push_back(Value(entry.key));
      SkipBlank();
      if (!AtEnd() && text_[at_] == ',') {
        ++at_;
      } else if (AtEnd() || text_[at_] != ']') {
        FailHere("the list of '{}' continues without a comma, or has no ]", Printable(entry.key));
      }
    }
    ++at_;
    return entry;
  }

  std::string Value(const std::string& key) {
    if (!AtEnd() && text_[at_] == '"') return BasicString();
    if (!AtEnd() && text_[at_] == '\'') return LiteralString();
    std::string word = Word(" \t\r\n#,[]");
    if (word.empty()) FailHere("'{}' has no value", Printable(key));
    return word;
  }

  std::string LiteralString() {
    ++at_;
    std::string text = Word("'\n");
    if (AtEnd() || text_[at_] != '\'') FailHere("a quote is not closed");
    ++at_;
    return text;
  }

  std::string BasicString() {
    ++at_;
    std::string text;
    for (;;) {
      text += Word("\"\\\n");
      if (AtEnd() || text_[at_] == '\n') FailHere("a quote is not closed");
      if (text_[at_++] == '"') return text;
      const char code = AtEnd() ? '\n' : text_[at_];
      const auto* escape = std::ranges::find(kEscapes, code, &std::pair<char, char>::first);
      if (escape == std::end(kEscapes))
        FailHere("\\{} stands for nothing; write \\\\ or put the text in '...'", Printable({&code, 1}));
      text += escape->second;
      ++at_;
    }
  }

  const std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
};

}  // namespace

std::vector<TomlEntry> ParseToml(std::string_view text, const std::string& source) {
  return Reader(text, source).Entries();
}

std::string TomlString(const std::string& text) {
  const bool is_plain = text.find_first_of("\"\\\n\t\r\b\f") == std::string::npos;
  if (is_plain) return '"' + text + '"';
  if (text.find_first_of("'\n\t\r\b\f") == std::string::npos) return '\'' + text + '\'';
  std::string escaped = "\"";
  for (const char c : text) {
    const auto* escape = std::ranges::find(kEscapes, c, &std::pair<char, char>::second);
    if (escape == std::end(kEscapes)) {
      escaped += c;
    } else {
      escaped += {'\\', escape->first};
    }
  }
  return escaped + '"';
}

}  // namespace gemtune::cli
