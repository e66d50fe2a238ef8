#pragma once

#include <string>
#include <vector>

namespace gemtune::io::hub {

/// Which files of a repository are wanted.
struct Selection {
  std::vector<std::string> files = {};  // by name; none: by what follows
  std::vector<std::string> include =
      {};  // globs as those of `hf download`: * also matches /; none: what gemtune reads
  std::vector<std::string> exclude = {};  // globs that leave files out, of all but `files`
};

/// Those of `listed`, a repository's files, that are wanted. `place` is the repository, for messages. Throws
/// Error for a name or a glob that matches nothing, for names that cannot lie in a cache (IsSafeFileName),
/// and if there are no weights that gemtune reads, or several GGUF files to choose from.
std::vector<std::string> Select(const std::vector<std::string>& listed, const Selection& selection,
                                const std::string& place);

}  // namespace gemtune::io::hub
