#include "gemtune/cli/stop_signals.h"

#include <time.h>

#include <cstddef>
#include <iterator>

namespace gemtune::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

// Globals, since a signal handler can reach nothing else.
volatile std::sig_atomic_t last_signal = 0;
volatile timespec first_time = {};

// Calls only functions that POSIX allows in a handler.
void Handle(int signal) {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (last_signal == 0) {
    first_time.tv_sec = now.tv_sec;
    first_time.tv_nsec = now.tv_nsec;
  } else if (now.tv_sec - first_time.tv_sec - (now.tv_nsec < first_time.tv_nsec ? 1 : 0) >= kGraceSeconds) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);  // takes effect when this handler returns
  }
  last_signal = signal;
}

}  // namespace

StopSignals::StopSignals() {
  last_signal = 0;
  struct sigaction action = {};
  action.sa_handler = Handle;
  action.sa_flags = SA_RESTART;  // interrupted reads and writes continue
  for (const int signal : kSignals) ::sigaddset(&action.sa_mask, signal);
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
}

int StopSignals::received() const {
  return last_signal;
}

const char* SignalName(int signal) {
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

}  // namespace gemtune::cli
