#include "gemtune/infer/rouge.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace gemtune::infer {
namespace {

constexpr std::string_view kKelvin = "\xe2\x84\xaa", kDottedI = "\xc4\xb0";

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words(1);
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool ends = false;
    // Beyond ASCII only two characters become ones of a-z: the Kelvin sign, and I with a dot, whose dot stays
    // behind as a character of its own.
    if (text.substr(i).starts_with(kKelvin)) {
      c = 'k';
      i += kKelvin.size() - 1;
    } else if (text.substr(i).starts_with(kDottedI)) {
      c = 'i';
      i += kDottedI.size() - 1;
      ends = true;
    }
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool is_of_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_of_word) words.back() += c;
    if ((!is_of_word || ends) && !words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// Equal words have equal numbers.
std::vector<int32_t> Numbered(const std::vector<std::string>& words,
                              std::unordered_map<std::string, int32_t>& numbers) {
  std::vector<int32_t> numbered;
  for (const std::string& word : words)
    numbered.push_back(numbers.try_emplace(word, static_cast<int32_t>(numbers.size())).first->second);
  return numbered;
}

int64_t LongestCommonSubsequence(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<int64_t> lengths(b.size() + 1, 0);  // of the words of a so far and the first j of b
  for (const int32_t word : a) {
    int64_t before = 0;  // for j − 1, without this word
    for (size_t j = 0; j < b.size(); ++j) {
      const int64_t without = lengths[j + 1];
      lengths[j + 1] = b[j] == word ? before + 1 : std::max(without, lengths[j]);
      before = without;
    }
  }
  return lengths.back();
}

}  // namespace

RougeL ScoreRougeL(std::string_view reference, std::string_view text) {
  std::unordered_map<std::string, int32_t> numbers;
  const std::vector<int32_t> wanted = Numbered(Words(reference), numbers),
                             given = Numbered(Words(text), numbers);
  if (wanted.empty() || given.empty()) return {};
  const auto common = static_cast<double>(LongestCommonSubsequence(wanted, given));
  RougeL score{.precision = common / static_cast<double>(given.size()),
               .recall = common / static_cast<double>(wanted.size())};
  if (common > 0) score.fmeasure = 2 * score.precision * score.recall / (score.precision + score.recall);
  return score;
}

}  // namespace gemtune::infer
