#pragma once

namespace gemtune::ops {

/// From now on, all CPU tensors of the process are allocated in an Arena (small ones still by malloc). Call
/// once, before the first large tensor; then no more memory is kept between steps than the largest step
/// needed. Does nothing under a sanitizer, which must see every block separately.
void UseTensorArena();

}  // namespace gemtune::ops
