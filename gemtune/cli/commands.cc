#include "gemtune/cli/commands.h"

#include "gemtune/cli/bench.h"
#include "gemtune/cli/chat.h"
#include "gemtune/cli/completion.h"
#include "gemtune/cli/evaluate.h"
#include "gemtune/cli/export.h"
#include "gemtune/cli/fetch.h"
#include "gemtune/cli/generate.h"
#include "gemtune/cli/inspect.h"
#include "gemtune/cli/manual.h"
#include "gemtune/cli/merge.h"
#include "gemtune/cli/predict.h"
#include "gemtune/cli/report.h"
#include "gemtune/cli/tokenize.h"
#include "gemtune/cli/train.h"

namespace gemtune::cli {

const std::vector<CommandRow>& Commands() {
  static const std::vector<CommandRow> rows = {
      {"fetch", "Download a model from Hugging Face's hub into its cache",
       [] { return std::make_unique<Fetch>(); }},
      {"train", "Fine-tune a pre-trained Gemma 3 on a labelled data set",
       [] { return std::make_unique<Train>(); }},
      {"evaluate", "Measure a fine-tuned model on labelled data; prints JSON",
       [] { return std::make_unique<Evaluate>(); }},
      {"predict", "Apply a fine-tuned model to texts; prints JSON lines",
       [] { return std::make_unique<Predict>(); }},
      {"generate", "Continue prompts with a language model", [] { return std::make_unique<Generate>(); }},
      {"chat", "Talk to a language model in the terminal", [] { return std::make_unique<Chat>(); }},
      {"merge", "Merge an adapter into its base model; writes a whole model",
       [] { return std::make_unique<Merge>(); }},
      {"export", "Write a language model or an adapter as a GGUF file, for llama.cpp",
       [] { return std::make_unique<Export>(); }},
      {"tokenize", "Print the token ids of texts, one JSON array per row",
       [] { return std::make_unique<Tokenize>(); }},
      {"bench", "Measure how fast a training run would be; prints JSON",
       [] { return std::make_unique<Bench>(); }},
      {"report", "Make a page out of one or more training runs, side by side",
       [] { return std::make_unique<Report>(); }},
      {"inspect", "Show what a checkpoint holds", [] { return std::make_unique<Inspect>(); }},
      {"completion", "Print the completion script of a shell: bash, zsh or fish",
       [] { return std::make_unique<Completion>(); }},
      {"man", "Print the manual page; gemtune man | man -l -", [] { return std::make_unique<Manual>(); }},
  };
  return rows;
}

std::vector<OptionHelp> OptionsOf(const CommandRow& row) {
  const std::unique_ptr<Command> command = row.make();
  OptionSet options("gemtune " + row.name, row.description);
  command->Declare(options);
  return options.Help();
}

}  // namespace gemtune::cli
