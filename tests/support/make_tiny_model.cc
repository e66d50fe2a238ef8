// Writes the tiny pre-trained model of tests/support/tiny_model.h, for tests that are not C++:
// gemtune_make_tiny_model DIR
#include "tests/support/tiny_model.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  gemtune::test::WriteTinyModel(argv[1]);
}
