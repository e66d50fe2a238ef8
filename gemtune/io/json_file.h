#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace gemtune::io {

/// Parses JSON from an untrusted file: valid UTF-8, one value, no duplicate keys, at most 64 levels deep, at
/// most 2^22 values in all (a container counts as two). Members keep their order. Time and memory are linear
/// in the text (looking up a key of an ordered_json is linear in its members: iterate over large objects).
/// `place` is the file, and the place in it, for messages. Throws Error "<place>: ..." with the byte and the
/// line.
nlohmann::ordered_json ParseJson(std::string_view text, std::string_view place);

/// The same for a whole file. Also throws Error as ReadFile does.
nlohmann::ordered_json ParseJsonFile(const std::filesystem::path& path,
                                     uint64_t max_bytes = uint64_t{1} << 28);

}  // namespace gemtune::io
