#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace gemtune::io::hub {

/// What Hugging Face's own programs read from the environment, with their names and defaults.
struct Settings {
  std::string endpoint;     // HF_ENDPOINT, without a slash at its end; else https://huggingface.co
  std::string token;        // of HF_TOKEN or of a file; "": none
  std::string token_place;  // where it was found, for messages
  std::string ca_bundle;    // a file of certificates to trust instead of the system's; "": the system's
  std::chrono::seconds timeout{};  // without a byte, after which a connection counts as broken
  bool is_offline = false;         // HF_HUB_OFFLINE: nothing but the cache may be used
};

/// Throws Error for a variable whose value cannot be meant.
Settings SettingsFromEnvironment();

/// The folder of Hugging Face's cache, whether it exists or not: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, else
/// "hub" in HF_HOME, in $XDG_CACHE_HOME/huggingface or in ~/.cache/huggingface. Empty if there is not even a
/// home folder.
std::filesystem::path CacheDirectory();

}  // namespace gemtune::io::hub
