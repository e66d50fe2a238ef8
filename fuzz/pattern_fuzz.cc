#include "gemtune/base/pattern.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"

// An adapter's expression, and behind a line's end the name that it is matched with.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(0, input.find('\n'));
  const std::string_view name = input.substr(std::min(text.size() + 1, size)).substr(0, 200);
  gemtune::fuzz::Run([&] { gemtune::Pattern(std::string(text), "here").Matches(name); });
  return gemtune::fuzz::Run([&] { gemtune::Pattern(std::string(text), "here").IsFoundIn(name); });
}
