#pragma once

#include <csignal>

namespace gemtune::cli {

/// Thrown where a signal has ended a command that was asked to end well: the exit code is 128 + signal, as a
/// shell reports it.
struct StoppedBySignal {
  int signal;
};

/// While it lives, SIGINT and SIGTERM ask for an end instead of making one. A second signal of the same kind
/// ends the process at once, as if this were not there. What the process was started to ignore stays ignored
/// (nohup, background jobs of a script). One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The last one since it was made; 0: none.
  int received() const;

 private:
  struct sigaction before_[2];
};

/// "SIGINT"
const char* SignalName(int signal);

}  // namespace gemtune::cli
