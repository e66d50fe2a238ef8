#pragma once

#include <csignal>

namespace gemtune::cli {

/// Thrown where a signal has ended a command that was asked to end well: the exit code is 128 + signal, as a
/// shell reports it.
struct StoppedBySignal {
  int signal;
};

/// timeout(1), process managers and impatient fingers send the same signal twice at once; that is one wish.
inline constexpr int kGraceSeconds = 2;

/// While it lives, SIGINT and SIGTERM ask for an end instead of making one. A further one, kGraceSeconds or
/// more after the first, ends the process at once, as if this were not there. What the process was started to
/// ignore stays ignored (nohup, background jobs of a script). One at a time.
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
