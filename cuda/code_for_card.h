#pragma once

#include <string>

namespace gemtune::kernels::cuda {

/// Why the kernels of this library do not run on the current card: it has no code for it; "": they do.
std::string CodeForCardTrouble();

}  // namespace gemtune::kernels::cuda
