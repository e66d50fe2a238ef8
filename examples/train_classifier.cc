// Fine-tunes Gemma 3 by LoRA to sort texts into classes, measures it, and puts it to use.
//
//   train_classifier MODEL TRAIN.parquet TEST.parquet OUTPUT_DIR
#include <fmt/format.h>

#include <gemtune/base/error.h>
#include <gemtune/base/parallel.h>
#include <gemtune/infer/classifier.h>
#include <gemtune/ops/tensor_arena.h>
#include <gemtune/train/run/run.h>

using namespace gemtune;

// Told of all that happens in the run; a progress bar or a plot would be one, too.
class PrintSteps : public train::Observer {
  void OnStep(const train::StepReport& step) override {
    fmt::print("step {:2}/{}  loss {:.4f}\n", step.step, step.total_steps, step.loss);
  }
};

int main(int argc, char** argv) try {
  if (argc != 5) throw Error("usage: train_classifier MODEL TRAIN.parquet TEST.parquet OUTPUT_DIR");
  SetNumThreads(0);       // one per usable processor, asleep while they wait
  ops::UseTensorArena();  // what a step frees is there for the next one

  train::RunOptions options{.model = argv[1], .method = "lora"};
  options.data.train_files = {argv[2]};
  options.data.test_files = {argv[3]};
  options.data.reading.max_length = 128;
  options.method_options.lora = {.r = 8, .lora_alpha = 16};
  options.trainer.max_steps = 20;
  options.output_dir = argv[4];

  train::Run run(options);  // opens the model and reads the data, in the columns "text" and "label"
  PrintSteps print_steps;
  const train::RunResult result = run.Train({&print_steps});  // and saves what it learnt
  fmt::print("test accuracy {:.3f}\n", result.summary["test"]["accuracy"].get<double>());

  infer::Classifier classifier(argv[4]);
  for (const infer::Prediction& prediction :
       classifier.Predict({"A film of rare warmth.", "Two lost hours."}))
    fmt::print("{} ({:.2f})\n", prediction.label, prediction.score);
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
