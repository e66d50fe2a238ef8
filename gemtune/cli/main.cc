#include <fcntl.h>
#include <unistd.h>

#include "gemtune/cli/dispatch.h"

namespace {

// If the parent has closed a standard stream, the next file opened would get its number, and messages would
// be written into that file. This opens /dev/null in its place, in the wrong direction, so that using the
// stream is still an error.
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
