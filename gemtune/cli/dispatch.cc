#include "gemtune/cli/dispatch.h"

#include <c10/util/Exception.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/cli/commands.h"
#include "gemtune/cli/spelling.h"
#include "gemtune/cli/stop_signals.h"
#include "gemtune/cli/version.h"

namespace gemtune::cli {
namespace {

void PrintOverview() {
  fmt::print(std::cout,
             "gemtune {}: fine-tune Gemma 3 from C++\n\nUsage: gemtune COMMAND [OPTIONS]\n\nCommands:\n",
             GEMTUNE_VERSION);
  for (const CommandRow& row : Commands()) fmt::print(std::cout, "  {:10} {}\n", row.name, row.description);
  fmt::print(std::cout, "\ngemtune COMMAND --help shows a command's options.\n");
}

const CommandRow& FindCommand(const std::string& name) {
  std::vector<std::string> names;
  for (const CommandRow& row : Commands()) {
    if (row.name == name) return row;
    names.push_back(row.name);
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

int RunCommand(const CommandRow& row, const std::vector<std::string>& arguments) {
  const std::unique_ptr<Command> command = row.make();
  OptionSet options("gemtune " + row.name, row.description);
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
    std::cout << VersionReport();
    return kDone;
  }
  return RunCommand(FindCommand(arguments[0]), {arguments.begin() + 1, arguments.end()});
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
  log::SetLevel(log::Level::kInfo);
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
