#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

namespace gemtune {

/// Threads that help a caller with the tasks of one job at a time. A thread takes the next task when it is
/// free, so that one whose processor is busy elsewhere holds nobody up for longer than a task. Between jobs
/// threads spin for 50 µs, then sleep: waking a thread takes as long as a small job (generating a token is
/// 400 of them), and one that spins for long takes the processor from others.
class ThreadPool {
 public:
  /// The process's pool. It lasts until the process ends.
  static ThreadPool& Get();

  /// Calls task(i) once for every i in [0, n) on the caller and at most `threads` − 1 others, which are made
  /// when they are first needed; returns when all calls have returned. Tasks must not throw. The caller works
  /// alone if the pool has a job already, and in a task.
  void Run(int64_t n, int threads, const std::function<void(int64_t)>& task);

 private:
  ThreadPool() = default;
  void Start(int workers);
  void Work(int worker);
  bool TakeTask();
  void WaitForJob(uint32_t seen);
  void WaitForTasks(uint32_t n);

  std::mutex job_mutex_;
  const std::function<void(int64_t)>* task_ = nullptr;
  int num_workers_ = 0;
  std::atomic<int> most_workers_ = 0;  // of this job
  std::atomic<uint32_t> num_tasks_ = 0;
  std::atomic<uint64_t> open_ = 0;  // the job's number, and how many of its tasks nobody has taken
  std::atomic<uint32_t> job_ = 0;   // the job's number
  std::atomic<uint32_t> done_ = 0;  // of its tasks
  std::atomic<int> sleepers_ = 0;
  std::atomic<bool> caller_sleeps_ = false;
};

}  // namespace gemtune
