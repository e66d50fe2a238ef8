#pragma once

#include <csignal>

namespace gemtune::cli {

/// Thrown when a command has shut down cleanly because of a signal. The exit code is 128 + signal, as shells
/// report it.
struct StoppedBySignal {
  int signal;
};

/// timeout(1), process managers and impatient users may send a signal twice in quick succession; this counts
/// as once.
inline constexpr int kGraceSeconds = 2;

/// While one exists, SIGINT and SIGTERM are recorded instead of ending the process. Another one,
/// kGraceSeconds or more after the first, ends it at once, as it would by default. Signals that the process
/// was started to ignore stay ignored (nohup, background jobs of a script). Only one may exist at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The last signal since construction; 0: none.
  int received() const;

 private:
  struct sigaction before_[2];
};

/// "SIGINT"
const char* SignalName(int signal);

}  // namespace gemtune::cli
