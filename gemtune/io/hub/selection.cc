#include "gemtune/io/hub/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "gemtune/base/error.h"
#include "gemtune/io/hub/cache.h"

namespace gemtune::io::hub {
namespace {

using Names = std::vector<std::string>;

// What the readers of models, adapters and tokenizers open, in a repository's top folder, and what its users
// should know.
constexpr std::array<const char*, 14> kRead = {"*.safetensors",
                                               "*.safetensors.index.json",
                                               "LICENSE*",
                                               "README.md",
                                               "adapter_config.json",
                                               "added_tokens.json",
                                               "chat_template.jinja",
                                               "classifier.json",
                                               "config.json",
                                               "generation_config.json",
                                               "special_tokens_map.json",
                                               "tokenizer.json",
                                               "tokenizer.model",
                                               "tokenizer_config.json"};

bool EndsIn(const std::string& name, std::initializer_list<const char*> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](const char* end) { return name.ends_with(end); });
}

bool MatchesAny(const std::string& name, const Names& globs) {
  return std::any_of(globs.begin(), globs.end(), [&](std::string glob) {
    if (glob.ends_with('/')) glob += '*';
    return ::fnmatch(glob.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
  });
}

bool IsRead(const std::string& name) {
  return std::any_of(kRead.begin(), kRead.end(), [&](const char* glob) {
    return ::fnmatch(glob, name.c_str(), FNM_NOESCAPE | FNM_PATHNAME) == 0;
  });
}

template <typename Predicate>
Names Those(const Names& names, Predicate predicate) {
  Names found;
  std::copy_if(names.begin(), names.end(), std::back_inserter(found), predicate);
  return found;
}

// What gemtune reads of the repository, or its one GGUF file.
Names SelectRead(const Names& listed, const std::string& place) {
  Names found = Those(listed, IsRead);
  if (std::any_of(found.begin(), found.end(),
                  [](const std::string& name) { return name.ends_with(".safetensors"); }))
    return found;
  const Names ggufs = Those(listed, [](const std::string& name) { return IsGgufModel(name); });
  if (ggufs.size() > 1) {
    Fail("{}: has several GGUF files ({}); name the one to fetch behind the repository", place,
         Listed(ggufs, 40));
  }
  found.insert(found.end(), ggufs.begin(), ggufs.end());
  if (!ggufs.empty()) return found;
  const Names others = Those(listed, [](const std::string& name) {
    return EndsIn(name, {".bin", ".pt", ".pth", ".h5", ".msgpack"});
  });
  if (!others.empty()) {
    Fail(
        "{}: has no weights that gemtune reads (safetensors or GGUF), but {}; take another copy of the model",
        place, Listed(others, 5));
  }
  if (found.empty()) Fail("{}: has no file that gemtune reads, but {}", place, Listed(listed, 10));
  return found;
}

}  // namespace

Names Select(const Names& listed, const Selection& selection, const std::string& place) {
  Names found;
  if (!selection.files.empty()) {
    for (const std::string& name : selection.files) {
      if (std::count(listed.begin(), listed.end(), name) == 0)
        Fail("{}: has no file '{}'{}", place, Printable(name, 200),
             DidYouMean(name, listed, /*however_far=*/true));
    }
    found = selection.files;
  } else if (!selection.include.empty()) {
    found = Those(listed, [&](const std::string& name) { return MatchesAny(name, selection.include); });
    if (found.empty()) Fail("{}: `include` matches none of its files ({})", place, Listed(listed, 10));
  } else {
    found = SelectRead(listed, place);
  }
  std::erase_if(found, [&](const std::string& name) { return MatchesAny(name, selection.exclude); });
  if (found.empty()) Fail("{}: `exclude` leaves none of its files", place);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (const std::string& name : found) {
    if (!IsSafeFileName(name))
      Fail("{}: lists '{}', which is no name for a file in the cache; nothing was fetched", place,
           Printable(name, 200));
  }
  return found;
}

}  // namespace gemtune::io::hub
