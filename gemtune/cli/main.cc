#include <fcntl.h>
#include <unistd.h>

#include "gemtune/cli/dispatch.h"

namespace {

// A standard stream that the parent has closed leaves its number to the next file that is opened, and
// messages would be written into that. /dev/null is held open in its place, the wrong way round, so that use
// is still an error.
void HoldStandardStreams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    if (::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor) ::_exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  HoldStandardStreams();
  return gemtune::cli::Main({argv + 1, argv + argc});
}
