#include "gemtune/cli/spelling.h"

#include <algorithm>

namespace gemtune::cli {

std::string OptionName(std::string_view field) {
  std::string name = "--" + std::string(field);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string SpellOptions(std::string_view message) {
  const auto is_field = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos;
  };
  std::string spelled;
  while (!message.empty()) {
    const size_t begin = std::min(message.find('`'), message.size());
    const size_t end = std::min(message.find('`', std::min(begin + 1, message.size())), message.size());
    spelled += message.substr(0, begin);
    const std::string_view field =
        end == message.size() ? std::string_view() : message.substr(begin + 1, end - begin - 1);
    if (is_field(field)) {
      spelled += OptionName(field);
      message.remove_prefix(end + 1);
    } else if (begin < message.size()) {
      spelled += '`';
      message.remove_prefix(begin + 1);
    } else {
      break;
    }
  }
  return spelled;
}

}  // namespace gemtune::cli
