// Predicts with the installed library: what a C++ user would begin with.
#include <fmt/format.h>

#include <gemtune/infer/classifier.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  gemtune::infer::Classifier classifier(argv[1]);
  for (const float logit : classifier.Predict({argv[2]}).front().logits) fmt::print("{:.4f}\n", logit);
}
