#include "gemtune/base/pattern.h"

#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune {
namespace {

using Set = std::bitset<256>;

Set Range(unsigned char first, unsigned char last) {
  Set set;
  for (int byte = first; byte <= last; ++byte) set.set(static_cast<size_t>(byte));
  return set;
}

// Of \d, \W and so on.
std::optional<Set> NamedSet(char letter) {
  const Set digits = Range('0', '9');
  const Set words = digits | Range('a', 'z') | Range('A', 'Z') | Range('_', '_');
  const Set spaces = Range('\t', '\r') | Range(' ', ' ');
  switch (letter) {
    case 'd':
      return digits;
    case 'D':
      return ~digits;
    case 'w':
      return words;
    case 'W':
      return ~words;
    case 's':
      return spaces;
    case 'S':
      return ~spaces;
    default:
      return std::nullopt;
  }
}

bool IsWord(std::string_view name, size_t at) {
  return at < name.size() && NamedSet('w')->test(static_cast<unsigned char>(name[at]));
}

bool IsLetterOrDigit(char c) {
  return c != '_' && IsWord({&c, 1}, 0);
}

}  // namespace

// Recursive descent into a tree, whose nodes are then written out as steps from the back to the front.
class PatternParser {
 public:
  PatternParser(const std::string& text, const std::string& place, Pattern& pattern)
      : text_(text), place_(place), pattern_(pattern) {}

  void Parse() {
    if (text_.size() > kMaxBytes) Complain(fmt::format("longer than {} bytes", kMaxBytes));
    const Node root = Alternatives(0);
    if (at_ < text_.size()) Complain("a ')' without its '('");
    pattern_.first_ = Emit(root, Add({}));
  }

 private:
  using Kind = Pattern::StepKind;
  static constexpr size_t kMaxBytes = 4096, kMaxSteps = 10'000;
  static constexpr int kMaxDepth = 50, kMaxCount = 1000, kUnlimited = -1;

  struct Node {
    enum class Form { kStep, kSequence, kAlternatives, kRepeat } form = Form::kSequence;
    Pattern::Step step = {};           // of kStep; kAhead and kNotAhead have a child
    int least = 0, most = kUnlimited;  // of kRepeat
    std::vector<Node> children = {};
  };

  [[noreturn]] void Complain(std::string_view what) const {
    Fail("{} '{}' is no regular expression: {}", place_, Printable(text_), what);
  }

  bool Take(std::string_view wanted) {
    if (!std::string_view(text_).substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  char Next(std::string_view missing) {
    if (at_ == text_.size()) Complain(missing);
    return text_[at_++];
  }

  Node Alternatives(int depth) {
    if (depth > kMaxDepth) Complain(fmt::format("nested more than {} deep", kMaxDepth));
    Node all{.form = Node::Form::kAlternatives, .children = {Sequence(depth)}};
    while (Take("|")) all.children.push_back(Sequence(depth));
    return all;
  }

  Node Sequence(int depth) {
    Node sequence;
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      Node atom = Atom(depth);
      while (const auto counts = Quantifier()) {
        if (atom.form == Node::Form::kRepeat) Complain("a repetition of a repetition");
        Node repeat{.form = Node::Form::kRepeat, .least = counts->first, .most = counts->second};
        repeat.children.push_back(std::move(atom));
        atom = std::move(repeat);
      }
      sequence.children.push_back(std::move(atom));
    }
    return sequence;
  }

  // {least, most} of * + ? {..}, with the ? behind that makes it lazy; nothing where none stands.
  std::optional<std::pair<int, int>> Quantifier() {
    std::pair<int, int> counts;
    if (Take("*")) {
      counts = {0, kUnlimited};
    } else if (Take("+")) {
      counts = {1, kUnlimited};
    } else if (Take("?")) {
      counts = {0, 1};
    } else if (Take("{")) {
      counts.first = counts.second = Count();
      if (Take(",")) counts.second = at_ < text_.size() && text_[at_] == '}' ? kUnlimited : Count();
      if (!Take("}")) Complain("a '{' without its '}'");
      if (counts.second != kUnlimited && counts.second < counts.first)
        Complain("a '{m,n}' with n less than m");
    } else {
      return std::nullopt;
    }
    Take("?");
    return counts;
  }

  int Count() {
    int count = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, count);
    if (error != std::errc() || count < 0 || count > kMaxCount)
      Complain(fmt::format("a count in {{}} that is no number up to {}", kMaxCount));
    at_ = static_cast<size_t>(stop - text_.data());
    return count;
  }

  Node Atom(int depth) {
    switch (const char c = text_[at_++]) {
      case '(':
        return Group(depth);
      case '[':
        return OfSet(Class());
      case '.':
        return OfSet(~Range('\n', '\n'));
      case '^':
        return Node{.form = Node::Form::kStep, .step = {.kind = Kind::kBegin}};
      case '$':
        return Node{.form = Node::Form::kStep, .step = {.kind = Kind::kEnd}};
      case '\\':
        if (Take("b")) return Node{.form = Node::Form::kStep, .step = {.kind = Kind::kWordEdge}};
        if (Take("B")) return Node{.form = Node::Form::kStep, .step = {.kind = Kind::kNoWordEdge}};
        return OfSet(Escape());
      case '*':
      case '+':
      case '?':
      case '{':
        Complain(fmt::format("nothing to repeat before '{}'", c));
      default:
        return OfSet(Range(static_cast<unsigned char>(c), static_cast<unsigned char>(c)));
    }
  }

  Node Group(int depth) {
    Node ahead{.form = Node::Form::kStep};
    bool is_assertion = false;
    if (Take("?=") || Take("?!")) {
      is_assertion = true;
      ahead.step.kind = text_[at_ - 1] == '=' ? Kind::kAhead : Kind::kNotAhead;
    } else if (Take("?<=") || Take("?<!")) {
      Complain("looking behind is not supported");
    } else if (Take("?P<") || Take("?<")) {
      while (Next("a group's name without its '>'") != '>') {
      }
    } else if (Take("?") && !Take(":")) {
      Complain("a group '(?' of an unknown kind");
    }
    Node inside = Alternatives(depth + 1);
    if (!Take(")")) Complain("a '(' without its ')'");
    if (!is_assertion) return inside;
    ahead.children.push_back(std::move(inside));
    return ahead;
  }

  Set Escape() {
    const char c = Next("a '\\' at its end");
    if (const auto named = NamedSet(c)) return *named;
    if (c == 't') return Range('\t', '\t');
    if (c == 'n') return Range('\n', '\n');
    if (IsLetterOrDigit(c)) Complain(fmt::format("'\\{}' is not supported", Printable({&c, 1})));
    return Range(static_cast<unsigned char>(c), static_cast<unsigned char>(c));
  }

  Set Class() {
    constexpr std::string_view kOpen = "a '[' without its ']'";
    const bool negated = Take("^");
    Set set;
    for (bool first = true; first || !Take("]"); first = false) {
      const char c = Next(kOpen);
      const Set one =
          c == '\\' ? Escape() : Range(static_cast<unsigned char>(c), static_cast<unsigned char>(c));
      set |= one;
      const bool is_range = at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']';
      if (!is_range) continue;
      ++at_;
      const char last = Next(kOpen);
      const Set end =
          last == '\\' ? Escape() : Range(static_cast<unsigned char>(last), static_cast<unsigned char>(last));
      if (one.count() != 1 || end.count() != 1 || First(one) > First(end)) Complain("a bad range in '[]'");
      set |= Range(First(one), First(end));
    }
    return negated ? ~set : set;
  }

  static unsigned char First(const Set& set) { return static_cast<unsigned char>(set._Find_first()); }

  Node OfSet(const Set& set) {
    pattern_.sets_.push_back(set);
    const auto index = static_cast<int32_t>(pattern_.sets_.size() - 1);
    return {.form = Node::Form::kStep, .step = {.kind = Kind::kByte, .set = index}};
  }

  int32_t Add(const Pattern::Step& step) {
    if (pattern_.steps_.size() == kMaxSteps) Complain("too large with its repetitions written out");
    pattern_.steps_.push_back(step);
    return static_cast<int32_t>(pattern_.steps_.size() - 1);
  }

  // The first step of `node`, behind which `next` follows.
  int32_t Emit(const Node& node, int32_t next) {
    if (++emitted_ > 10 * kMaxSteps) Complain("too large with its repetitions written out");
    switch (node.form) {
      case Node::Form::kStep: {
        Pattern::Step step = node.step;
        step.next = next;
        if (!node.children.empty()) step.other = Emit(node.children[0], Add({}));
        return Add(step);
      }
      case Node::Form::kSequence:
        for (size_t i = node.children.size(); i-- > 0;) next = Emit(node.children[i], next);
        return next;
      case Node::Form::kAlternatives: {
        int32_t first = Emit(node.children.back(), next);
        for (size_t i = node.children.size() - 1; i-- > 0;) {
          first = Add({.kind = Kind::kSplit, .next = Emit(node.children[i], next), .other = first});
        }
        return first;
      }
      case Node::Form::kRepeat:
        return EmitRepeat(node, next);
    }
    return next;
  }

  int32_t EmitRepeat(const Node& node, int32_t next) {
    int32_t first = next;
    if (node.most == kUnlimited) {
      first = Add({.kind = Kind::kSplit, .other = next});
      const int32_t body = Emit(node.children[0], first);
      pattern_.steps_[static_cast<size_t>(first)].next = body;
    }
    for (int i = node.least; i < node.most; ++i) {
      first = Add({.kind = Kind::kSplit, .next = Emit(node.children[0], first), .other = next});
    }
    for (int i = 0; i < node.least; ++i) first = Emit(node.children[0], first);
    return first;
  }

  const std::string& text_;
  const std::string& place_;
  Pattern& pattern_;
  size_t at_ = 0;
  size_t emitted_ = 0;
};

// One name: all steps that a match may have come to, one byte after the other.
class PatternRun {
 public:
  PatternRun(const Pattern& pattern, std::string_view name) : pattern_(pattern), name_(name) {}

  // Is there a match from `first` on that begins at `begin` (or, `anywhere`, there or later) and ends at the
  // name's end (or, unless `whole`, anywhere)?
  bool Matches(int32_t first, size_t begin, bool anywhere, bool whole) {
    States now, then;
    for (size_t at = begin; at <= name_.size(); ++at) {
      if (at == begin || anywhere) Enter(first, at, now);
      if (now.is_done && (!whole || at == name_.size())) return true;
      if (at == name_.size()) break;
      then = {};
      for (const int32_t step : now.bytes) {
        const Pattern::Step& of = pattern_.steps_[static_cast<size_t>(step)];
        const Set& set = pattern_.sets_[static_cast<size_t>(of.set)];
        if (set.test(static_cast<unsigned char>(name_[at]))) Enter(of.next, at + 1, then);
      }
      std::swap(now, then);
    }
    return false;
  }

 private:
  using Kind = Pattern::StepKind;

  struct States {
    std::vector<bool> seen;
    std::vector<int32_t> bytes;  // steps that wait for a byte
    bool is_done = false;
  };

  // Adds what can be reached from `first` without a byte.
  void Enter(int32_t first, size_t at, States& states) {
    states.seen.resize(pattern_.steps_.size());
    std::vector<int32_t> open = {first};
    while (!open.empty()) {
      const int32_t step = open.back();
      open.pop_back();
      if (states.seen[static_cast<size_t>(step)]) continue;
      states.seen[static_cast<size_t>(step)] = true;
      const Pattern::Step& of = pattern_.steps_[static_cast<size_t>(step)];
      if (of.kind == Kind::kDone) {
        states.is_done = true;
      } else if (of.kind == Kind::kByte) {
        states.bytes.push_back(step);
      } else if (of.kind == Kind::kSplit) {
        open.push_back(of.other);
        open.push_back(of.next);
      } else if (Holds(step, of, at)) {
        open.push_back(of.next);
      }
    }
  }

  bool Holds(int32_t step, const Pattern::Step& of, size_t at) {
    if (of.kind == Kind::kBegin) return at == 0;
    if (of.kind == Kind::kEnd) return at == name_.size();
    if (of.kind == Kind::kWordEdge || of.kind == Kind::kNoWordEdge) {
      const bool is_edge = IsWord(name_, at) != (at > 0 && IsWord(name_, at - 1));
      return is_edge == (of.kind == Kind::kWordEdge);
    }
    const auto [known, is_new] = looked_.try_emplace({step, at}, false);
    if (is_new) known->second = Matches(of.other, at, /*anywhere=*/false, /*whole=*/false);
    return known->second == (of.kind == Kind::kAhead);
  }

  const Pattern& pattern_;
  std::string_view name_;
  std::map<std::pair<int32_t, size_t>, bool> looked_;  // what was looked for ahead: once at each place
};

Pattern::Pattern(const std::string& text, const std::string& place) {
  PatternParser(text, place, *this).Parse();
}

bool Pattern::Matches(std::string_view name) const {
  return PatternRun(*this, name).Matches(first_, 0, /*anywhere=*/false, /*whole=*/true);
}

bool Pattern::IsFoundIn(std::string_view name) const {
  return PatternRun(*this, name).Matches(first_, 0, /*anywhere=*/true, /*whole=*/false);
}

}  // namespace gemtune
