#pragma once

namespace gemtune::ops {

/// From here on, CPU tensors of the whole process lie in an Arena (small ones stay with malloc). Call once,
/// before the first tensor of size: what is kept for the next step is then no more than the largest step
/// needed. Does nothing under a sanitizer, which wants to see every block by itself.
void UseTensorArena();

}  // namespace gemtune::ops
