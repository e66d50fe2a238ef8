// Writes the tiny pre-trained model of tests/support/tiny_model.h, for tests that are not C++:
// gemtune_make_tiny_model DIR [--turns]
#include <string_view>

#include "tests/support/tiny_model.h"

int main(int argc, char** argv) {
  const bool turns = argc == 3 && std::string_view(argv[2]) == "--turns";
  if (argc != 2 && !turns) return 2;
  gemtune::test::WriteTinyModel(argv[1], turns);
}
