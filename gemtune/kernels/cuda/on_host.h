#pragma once

// The part of CUDA C++ that the kernels in this folder use, for g++: they become functions that run on the
// processor, one thread of a block after the other, so that a machine without a card can test them. Much
// slower than the kernels of the processor, and no check for races.

#include <setjmp.h>
#include <ucontext.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __shared__ static  // blocks run one after the other
#define __restrict__ __restrict
#define __launch_bounds__(...)

namespace gemtune::kernels::cuda::on_host {

struct Index {
  unsigned x = 1;
};

/// One block. Its threads have a stack each and take turns, each until it waits for others or ends. They are
/// made once, by ucontext, and then switch by jumps: ucontext's own switch is two system calls.
class Block {
 public:
  static constexpr int kWarp = 32;

  static Block& Instance() {
    static Block block;
    return block;
  }

  void Run(int num_threads, const std::function<void()>& body) {
    body_ = &body;
    num_threads_ = num_threads;
    for (int t = 0; t < num_threads; ++t) threads_[static_cast<size_t>(t)].is_done = false;
    for (int alive = num_threads; alive > 0;) {
      bool has_moved = false;
      for (current_ = 0; current_ < num_threads; ++current_) {
        Thread& thread = threads_[static_cast<size_t>(current_)];
        if (thread.is_done || (thread.waits_at != nullptr && thread.waits_at->round == thread.round))
          continue;
        has_moved = true;
        thread.waits_at = nullptr;
        thread_index_.x = static_cast<unsigned>(current_);
        Resume(thread);
        if (thread.is_done) --alive;
      }
      if (!has_moved) {
        std::fputs("a block's threads wait for each other at different places\n", stderr);
        std::abort();
      }
    }
  }

  void WaitForBlock() { Wait(of_block_, num_threads_); }
  void WaitForWarp() { Wait(of_warp_[current_ / kWarp], kWarp); }

  /// The value that thread `lane` of this one's warp gives.
  template <typename T>
  T FromLane(T value, int lane) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    uint64_t* slots = slots_ + current_ / kWarp * kWarp;
    *reinterpret_cast<T*>(slots + current_ % kWarp) = value;
    WaitForWarp();
    const T taken = *reinterpret_cast<const T*>(slots + lane);
    WaitForWarp();
    return taken;
  }
  int lane() const { return current_ % kWarp; }

  Index thread_index_, block_index_, block_dim_, grid_dim_;

 private:
  static constexpr int kMostThreads = 1024;
  static constexpr size_t kStackBytes = size_t{64} << 10;

  struct Barrier {
    int64_t round = 0;
    int arrived = 0;
  };
  struct Thread {
    sigjmp_buf place;
    std::unique_ptr<std::byte[]> stack;  // nullptr: it has never run
    const Barrier* waits_at = nullptr;
    int64_t round = 0;
    bool is_done = false;
  };

  Block() : threads_(kMostThreads) {}

  void Resume(Thread& thread) {
    if (sigsetjmp(scheduler_, 0) != 0) return;
    if (thread.stack != nullptr) siglongjmp(thread.place, 1);
    thread.stack.reset(new std::byte[kStackBytes]);
    ucontext_t here, there;
    ::getcontext(&there);
    there.uc_stack.ss_sp = thread.stack.get();
    there.uc_stack.ss_size = kStackBytes;
    there.uc_link = nullptr;
    ::makecontext(&there, &WorkForEver, 0);
    ::swapcontext(&here, &there);
  }

  static void WorkForEver() {
    Block& block = Instance();
    for (;;) {
      (*block.body_)();
      Thread& thread = block.threads_[static_cast<size_t>(block.current_)];
      thread.is_done = true;
      block.Leave(thread);
    }
  }

  void Leave(Thread& thread) {
    if (sigsetjmp(thread.place, 0) == 0) siglongjmp(scheduler_, 1);
  }

  void Wait(Barrier& barrier, int expected) {
    if (++barrier.arrived == expected) {
      barrier.arrived = 0;
      ++barrier.round;
      return;
    }
    Thread& thread = threads_[static_cast<size_t>(current_)];
    thread.waits_at = &barrier;
    thread.round = barrier.round;
    Leave(thread);
  }

  std::vector<Thread> threads_;
  sigjmp_buf scheduler_;
  const std::function<void()>* body_ = nullptr;
  int num_threads_ = 0, current_ = 0;
  Barrier of_block_, of_warp_[kMostThreads / kWarp];
  uint64_t slots_[kMostThreads] = {};
};

}  // namespace gemtune::kernels::cuda::on_host

#define threadIdx (::gemtune::kernels::cuda::on_host::Block::Instance().thread_index_)
#define blockIdx (::gemtune::kernels::cuda::on_host::Block::Instance().block_index_)
#define blockDim (::gemtune::kernels::cuda::on_host::Block::Instance().block_dim_)
#define gridDim (::gemtune::kernels::cuda::on_host::Block::Instance().grid_dim_)

inline void __syncthreads() {
  gemtune::kernels::cuda::on_host::Block::Instance().WaitForBlock();
}
template <typename T>
T __shfl_xor_sync(unsigned /*mask*/, T value, int other) {
  auto& block = gemtune::kernels::cuda::on_host::Block::Instance();
  return block.FromLane(value, block.lane() ^ other);
}
inline float rsqrtf(float x) {
  return 1.0f / std::sqrt(x);
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
