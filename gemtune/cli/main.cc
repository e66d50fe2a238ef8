#include "gemtune/cli/command.h"

int main(int argc, char** argv) {
  return gemtune::cli::Main({argv + 1, argv + argc});
}
