#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune {

/// A regular expression on names of modules and parameters that a file or an option gives. Matched state by
/// state (Thompson 1968), so that no expression takes long or recurses deep, which those of std::regex may.
///
/// What Python's `re` and ECMAScript have in common, over bytes: . [a-z] [^...] \d \w \s \D \W \S, groups
/// (also (?:...) and named ones), |, * + ? {m} {m,} {m,n} (lazy ones too: in which way a name matches makes
/// no difference), ^ $ \b \B, and (?=...) (?!...). No back references and no looking behind.
class Pattern {
 public:
  /// `place` names the option or the file. Throws Error "<place> '<text>' is no regular expression: ...";
  /// also for one of more than 4,096 bytes, nested more than 50 deep or, with its repetitions written out, of
  /// more than 10,000 steps.
  Pattern(const std::string& text, const std::string& place);

  /// Does the whole name match? re.fullmatch.
  bool Matches(std::string_view name) const;

  /// Does some part of the name match? re.search.
  bool IsFoundIn(std::string_view name) const;

 private:
  friend class PatternParser;
  friend class PatternRun;
  enum class StepKind : uint8_t {
    kByte,
    kSplit,
    kBegin,
    kEnd,
    kWordEdge,
    kNoWordEdge,
    kAhead,
    kNotAhead,
    kDone
  };
  struct Step {
    StepKind kind = StepKind::kDone;
    int32_t next = 0;   // the step behind
    int32_t other = 0;  // kSplit: the other one; kAhead, kNotAhead: the first of what is looked for
    int32_t set = 0;    // kByte: index into sets_
  };

  std::vector<Step> steps_;
  std::vector<std::bitset<256>> sets_;
  int32_t first_ = 0;
};

}  // namespace gemtune
