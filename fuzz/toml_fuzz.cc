#include "gemtune/cli/toml.h"

#include <string_view>

#include "fuzz/fuzz.h"

// The options of --config, and that what is written of them is read back the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return gemtune::fuzz::Run([&] {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& entry : gemtune::cli::ParseToml(text, "options.toml")) {
      for (const std::string& value : entry.values) {
        const auto again = gemtune::cli::ParseToml("a = " + gemtune::cli::TomlString(value), "again");
        GEMTUNE_CHECK(again.size() == 1 && again[0].values == std::vector<std::string>{value});
      }
    }
  });
}
