#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;  // PCRE2's compiled expression

namespace gemtune {

/// A regular expression from a file or an option, to be matched with names of modules and parameters or with
/// texts, by PCRE2. It means the same as in Python's `re`, except that names are bytes (\w \d \s know only
/// ASCII, . is one byte), $ matches only at the very end of the name, and "{,n}" must be written "{0,n}".
///
/// An expression may come from an untrusted file, so its compilation and matching are bounded in time and
/// memory.
class Pattern {
 public:
  /// `place` names the option or the file. Throws Error "<place> '<text>' is not a regular expression: ..."
  /// with what is wrong and where; also for one of more than 4,096 bytes or nested more than 50 deep.
  Pattern(const std::string& text, const std::string& place);

  /// Whether the whole name matches (re.fullmatch). Throws Error "<place> '<text>' takes too many steps ..."
  /// for an expression that tries too many ways to match, as (a*)*(a*)*b may.
  bool Matches(std::string_view name) const;

  /// Whether some part of the name matches (re.search). Throws as Matches does.
  bool IsFoundIn(std::string_view name) const;

  /// What the first match in `text` has in its first group or, without groups, the match itself; nullopt if
  /// there is none. Throws as Matches does.
  std::optional<std::string_view> Find(std::string_view text) const;

 private:
  struct Match;
  std::optional<Match> Run(std::string_view name, uint32_t options) const;

  std::string text_, place_;
  std::shared_ptr<const pcre2_real_code_8> code_;
};

}  // namespace gemtune
