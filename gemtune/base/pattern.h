#pragma once

#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;  // PCRE2's compiled expression

namespace gemtune {

/// A regular expression on names of modules and parameters that a file or an option gives, by PCRE2: what
/// Python's `re` takes means the same here. Differences: names are bytes (\w \d \s know ASCII alone, . is one
/// byte), $ is the end of the name and not a line's end before it, and "{,n}" has to be written "{0,n}".
///
/// An expression may come from a stranger's file, so that both its compilation and a match are bounded in
/// time and memory.
class Pattern {
 public:
  /// `place` names the option or the file. Throws Error "<place> '<text>' is not a regular expression: ..."
  /// with what is wrong and where; also for one of more than 4,096 bytes or nested more than 50 deep.
  Pattern(const std::string& text, const std::string& place);

  /// Does the whole name match? re.fullmatch. Throws Error "<place> '<text>' takes too many steps ..." for an
  /// expression that tries too many ways to match, as (a*)*(a*)*b may.
  bool Matches(std::string_view name) const;

  /// Does some part of the name match? re.search. Throws as Matches does.
  bool IsFoundIn(std::string_view name) const;

 private:
  bool Run(std::string_view name, uint32_t options) const;

  std::string text_, place_;
  std::shared_ptr<const pcre2_real_code_8> code_;
};

}  // namespace gemtune
