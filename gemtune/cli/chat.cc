#include "gemtune/cli/chat.h"

#include <unistd.h>

#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/cli/stop_signals.h"
#include "gemtune/text/utf8.h"

namespace gemtune::cli {
namespace {

// A line that the user typed; false at the end of the input.
bool ReadTurn(bool is_terminal, std::string* line) {
  do {
    if (is_terminal) std::cout << "> " << std::flush;
    if (!std::getline(std::cin, *line)) return false;
    if (line->ends_with('\r')) line->pop_back();
  } while (line->find_first_not_of(" \t") == std::string::npos);
  return true;
}

}  // namespace

void Chat::Declare(OptionSet& options) {
  generation_.DeclareModel(options);
  options.Group("Conversation");
  options.Add("--system", system_, "The system's message, before the first turn");
  generation_.Declare(options, /*max_new_tokens=*/1024);
}

void Chat::Answer(model::PretrainedCausalLm& model, const infer::GenerateOptions& asked) {
  const infer::Prompt prompt = {.ids = EncodeTurns(messages_, model.tokenizer, "conversation"),
                                .sequence = &sequence_};
  const StopSignals signals;
  std::string answer;
  infer::Generate(model, std::span(&prompt, 1), asked,
                  {.on_text = [](int64_t, const std::string& text) { std::cout << text << std::flush; },
                   .on_done = [&](int64_t, const infer::Generation& result) { answer = result.text; },
                   .should_cancel = [&] { return signals.received() != 0; }});
  std::cout << std::endl;
  if (signals.received() != 0 && signals.received() != SIGINT) throw StoppedBySignal{signals.received()};
  messages_.push_back({"assistant", answer});
  // An empty answer is no turn: as if nothing had been asked.
  if (text::FaultOf(messages_)) messages_.resize(messages_.size() - 2);
}

void Chat::Run(const OptionSet& options) {
  model::PretrainedCausalLm model = generation_.Open();
  text::CheckChatTemplate(model.tokenizer, generation_.model());
  const infer::GenerateOptions asked = generation_.Resolve(options, model);
  const bool is_terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  if (is_terminal) log::Info("Ctrl-C stops an answer, Ctrl-D ends the conversation");
  if (!system_.empty()) messages_.push_back({"system", system_});
  for (std::string line; ReadTurn(is_terminal, &line);) {
    if (text::ValidUtf8Prefix(line) != line.size()) Fail("standard input: is not UTF-8");
    messages_.push_back({"user", line});
    Answer(model, asked);
  }
  if (is_terminal) std::cout << std::endl;
}

}  // namespace gemtune::cli
