#include "gemtune/base/hash.h"

#include <xxhash.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <vector>

#include "gemtune/base/error.h"

namespace gemtune {
namespace {

void Free(void* state) {
  XXH3_freeState(static_cast<XXH3_state_t*>(state));
}

}  // namespace

Hash::Hash() : state_(XXH3_createState(), Free) {
  GEMTUNE_CHECK(state_ != nullptr && XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_.get())) == XXH_OK);
}

void Hash::AddBytes(std::span<const std::byte> bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_.get()), bytes.data(), bytes.size());
}

void Hash::Add(uint64_t number) {
  AddBytes(std::as_bytes(std::span(&number, 1)));
}

void Hash::Add(std::string_view text) {
  Add(text.size());
  AddBytes(std::as_bytes(std::span(text)));
}

void Hash::AddFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(1 << 20);
  uint64_t bytes = 0;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    AddBytes(std::as_bytes(std::span(block).first(static_cast<size_t>(file.gcount()))));
    bytes += static_cast<uint64_t>(file.gcount());
  }
  if (!file.eof()) Fail("{}: cannot read: {}", path.string(), std::generic_category().message(errno));
  Add(bytes);
}

std::string Hash::Hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_.get()));
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace gemtune
