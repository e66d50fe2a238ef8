#include "gemtune/cli/dispatch.h"

#include <c10/util/Exception.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/cli/bench.h"
#include "gemtune/cli/chat.h"
#include "gemtune/cli/command.h"
#include "gemtune/cli/evaluate.h"
#include "gemtune/cli/export.h"
#include "gemtune/cli/generate.h"
#include "gemtune/cli/inspect.h"
#include "gemtune/cli/merge.h"
#include "gemtune/cli/predict.h"
#include "gemtune/cli/spelling.h"
#include "gemtune/cli/stop_signals.h"
#include "gemtune/cli/tokenize.h"
#include "gemtune/cli/train.h"

namespace gemtune::cli {
namespace {

struct Entry {
  std::string name;
  std::string description;
  std::function<std::unique_ptr<Command>()> make;
};

const std::vector<Entry>& Entries() {
  static const std::vector<Entry> entries = {
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
      {"inspect", "Show what a checkpoint holds", [] { return std::make_unique<Inspect>(); }},
  };
  return entries;
}

void PrintOverview() {
  fmt::print(std::cout,
             "gemtune {}: fine-tune Gemma 3 from C++\n\nUsage: gemtune COMMAND [OPTIONS]\n\nCommands:\n",
             GEMTUNE_VERSION);
  for (const Entry& entry : Entries()) fmt::print(std::cout, "  {:10} {}\n", entry.name, entry.description);
  fmt::print(std::cout, "\ngemtune COMMAND --help shows a command's options.\n");
}

const Entry& FindEntry(const std::string& name) {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  Fail("unknown command '{}'{}; commands: {}", Printable(name), DidYouMean(name, names),
       fmt::join(names, ", "));
}

std::string OneLine(std::string text) {
  text.resize(std::min(text.size(), text.find('\n')));
  return text;
}

// Of LibTorch's message on memory, which goes on with its own settings.
std::string FirstSentence(const std::string& text) {
  return OneLine(text).substr(0, text.find(". "));
}

int RunCommand(const Entry& entry, const std::vector<std::string>& arguments) {
  const std::unique_ptr<Command> command = entry.make();
  OptionSet options("gemtune " + entry.name, entry.description);
  command->Declare(options);
  if (options.Parse(arguments)) command->Run(options);
  return kDone;
}

int Dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    PrintOverview();
    return kBadInput;
  }
  if (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    PrintOverview();
    return kDone;
  }
  if (arguments[0] == "--version") {
    fmt::print(std::cout, "gemtune {}\n", GEMTUNE_VERSION);
    return kDone;
  }
  return RunCommand(FindEntry(arguments[0]), {arguments.begin() + 1, arguments.end()});
}

// Output may wait in a buffer until the end, so only a flush shows whether it could be written.
void FlushOutput() {
  std::cout.flush();
  const bool written = std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!written) throw RunError("standard output: cannot be written (closed, or the disk is full)");
}

}  // namespace

int Main(const std::vector<std::string>& arguments) {
  log::SetSpelling(SpellOptions);
  const auto complain = [](const std::string& message) { log::Write(log::Level::kError, OneLine(message)); };
  try {
    const int exit_code = Dispatch(arguments);
    FlushOutput();
    return exit_code;
  } catch (const Error& error) {
    complain(error.what());
    return kBadInput;
  } catch (const StoppedBySignal& stop) {
    return 128 + stop.signal;
  } catch (const c10::OutOfMemoryError& error) {
    complain(fmt::format(
        "the card's memory is full ({}); lower --per-device-train-batch-size or --max-length, split "
        "batches with --max-tokens-per-batch, or use --gradient-checkpointing; a run goes on from its "
        "last checkpoint with --resume-from-checkpoint",
        FirstSentence(error.what_without_backtrace())));
  } catch (const c10::Error& error) {  // what() would add a stack trace
    complain(error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    complain("out of memory; lower the batch size or --max-length");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return kRunFailed;
}

}  // namespace gemtune::cli
