#include "gemtune/data/labels/class_name_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/data/labels/label_text.h"

namespace gemtune::data {
namespace {

bool IsSpace(utf8proc_int32_t codepoint) {
  const utf8proc_category_t category = utf8proc_category(codepoint);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP || (codepoint >= 0x09 && codepoint <= 0x0d) || codepoint == 0x85;
}

// Equal for names that differ only in case, canonical form (NFC, NFD), white space and invisible characters.
std::string Folded(const std::string& name) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD |
                                                      UTF8PROC_IGNORE);
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
                                             static_cast<utf8proc_ssize_t>(name.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return name;  // not UTF-8
  std::string folded;
  for (utf8proc_ssize_t at = 0; at < size;) {
    utf8proc_int32_t codepoint = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(mapped + at, size - at, &codepoint);
    if (length <= 0) return name;
    if (!IsSpace(codepoint))
      folded.append(reinterpret_cast<const char*>(mapped + at), static_cast<size_t>(length));
    at += length;
  }
  return folded;
}

void WarnOfAlike(const std::vector<std::string>& names, std::vector<std::string>& warnings) {
  constexpr size_t kMostGroups = 10;
  std::map<std::string, std::vector<std::string>> by_folded;
  for (const std::string& name : names)
    by_folded[Folded(name)].push_back(fmt::format("'{}'", Printable(name)));
  std::vector<std::string> groups;
  size_t num_groups = 0;
  for (const auto& [folded, alike] : by_folded) {
    if (alike.size() < 2 || ++num_groups > kMostGroups) continue;
    groups.push_back(fmt::format("{}", fmt::join(alike, " / ")));
  }
  if (groups.empty()) return;
  const std::string more = num_groups > kMostGroups ? fmt::format("; ... ({} in all)", num_groups) : "";
  warnings.push_back(fmt::format(
      "classes that differ in white space, letter case or Unicode form only: {}{}; are they one class?",
      fmt::join(groups, "; "), more));
}

std::vector<std::string> Those(const std::vector<std::string>& names, bool (*are)(std::string_view)) {
  std::vector<std::string> those;
  std::copy_if(names.begin(), names.end(), std::back_inserter(those), are);
  return those;
}

void WarnOfMissing(const std::vector<std::string>& names, std::vector<std::string>& warnings) {
  const auto is_missing = [](std::string_view name) { return IsMissingToPandas(Trimmed(name)); };
  const std::vector<std::string> missing = Those(names, is_missing);
  if (missing.empty()) return;
  warnings.push_back(fmt::format("the {} how pandas writes a missing label; are these rows without a label?",
                                 missing.size() == 1 ? fmt::format("class {} is", Listed(missing))
                                                     : fmt::format("classes {} are", Listed(missing))));
}

void WarnOfLists(const std::vector<std::string>& names, std::vector<std::string>& warnings) {
  const std::vector<std::string> lists = Those(names, LooksLikeList);
  if (lists.empty()) return;
  warnings.push_back(
      fmt::format("the {}; CSV holds no lists: for several labels a row write Parquet or JSON Lines "
                  "and give `task` multi-label",
                  lists.size() == 1 ? fmt::format("class {} looks like a list", Listed(lists, 5))
                                    : fmt::format("classes {} look like lists", Listed(lists, 5))));
}

}  // namespace

std::vector<std::string> ClassNameWarnings(const std::vector<std::string>& names) {
  std::vector<std::string> warnings;
  WarnOfAlike(names, warnings);
  WarnOfMissing(names, warnings);
  WarnOfLists(names, warnings);
  return warnings;
}

}  // namespace gemtune::data
