#include "gemtune/cli/generate.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/stopwatch.h"
#include "gemtune/text/utf8.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string ReadStandardInput() {
  if (isatty(STDIN_FILENO) != 0) log::Info("reading the prompt from the terminal; Ctrl-D ends it");
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (std::ferror(stdin) != 0) Fail("standard input: cannot be read; give --prompt or --input-file");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// Prints results in the order of their rows as soon as those before them are there.
class InOrder {
 public:
  void Take(int64_t row, const Json& line) {
    waiting_[row] = line.dump(-1, ' ', false, Json::error_handler_t::replace);
    for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; ++next_) {
      std::cout << first->second << std::endl;
      first = waiting_.erase(first);
    }
  }

 private:
  std::map<int64_t, std::string> waiting_;
  int64_t next_ = 0;
};

}  // namespace

void Generate::Declare(OptionSet& options) {
  generation_.DeclareModel(options);
  options.Group("Prompt (default: all of standard input)");
  options.Add("--prompt", prompt_, "The text to continue");
  options.Add(
      "--input-file", input_file_,
      "JSON Lines with a prompt or messages in each row; prints each row with text, finish_reason and tokens",
      {.is_path = true});
  options.Add("--chat", chat_,
              "The prompt is a user's turn, which the model answers; rows with messages always are");
  options.Add("--system", system_, "The system's message before it; implies --chat");
  generation_.Declare(options, /*max_new_tokens=*/256);
  options.Add("--batch-size", batch_size_, "Rows that are continued side by side",
              {.min = 1, .max = 1 << 16});
  options.Add("--batch-tokens", batch_tokens_, "Most tokens of prompts per forward pass",
              {.min = 1, .max = 1 << 24});
}

std::vector<PromptRow> Generate::Rows(const OptionSet& options) const {
  const bool has_prompt = options.Given("--prompt"), has_file = !input_file_.empty();
  if (has_prompt && has_file) Fail("gemtune generate: give --prompt or --input-file, not both");
  if (has_file) return ReadPromptRows(input_file_);
  PromptRow row{.json = {},
                .place = has_prompt ? "--prompt" : "standard input",
                .prompt = has_prompt ? prompt_ : ReadStandardInput(),
                .messages = {}};
  if (text::ValidUtf8Prefix(row.prompt) != row.prompt.size()) Fail("{}: is not UTF-8", row.place);
  return {std::move(row)};
}

std::vector<infer::Prompt> Generate::Encode(const std::vector<PromptRow>& rows,
                                            const model::PretrainedCausalLm& model) const {
  const bool is_chat = chat_ || !system_.empty();
  std::vector<infer::Prompt> prompts;
  bool is_checked = false;
  for (const PromptRow& row : rows) {
    std::vector<text::ChatMessage> messages = row.messages;
    if (messages.empty() && !is_chat) {
      prompts.push_back({.ids = model.tokenizer.Encode(row.prompt)});
      continue;
    }
    if (messages.empty()) messages.push_back({"user", row.prompt});
    if (!system_.empty() && messages.front().role != "system")
      messages.insert(messages.begin(), {"system", system_});
    if (!std::exchange(is_checked, true)) text::CheckChatTemplate(model.tokenizer, generation_.model());
    prompts.push_back({.ids = EncodeTurns(messages, model.tokenizer, row.place)});
  }
  return prompts;
}

void Generate::Run(const OptionSet& options) {
  const std::vector<PromptRow> rows = Rows(options);
  model::PretrainedCausalLm model = generation_.Open();
  const std::vector<infer::Prompt> prompts = Encode(rows, model);
  infer::GenerateOptions asked = generation_.Resolve(options, model);
  asked.max_sequences = batch_size_;
  asked.max_tokens_per_pass = batch_tokens_;

  infer::GenerateObserver observer;
  const auto progress = CountingProgress("generating");
  InOrder lines;
  int64_t tokens = 0, done = 0;
  if (input_file_.empty()) {
    observer.on_text = [](int64_t, const std::string& text) { std::cout << text << std::flush; };
  }
  observer.on_done = [&](int64_t prompt, const infer::Generation& result) {
    tokens += std::ssize(result.ids);
    ++done;
    if (input_file_.empty()) {
      std::cout << std::endl;
      return;
    }
    Json line = rows[static_cast<size_t>(prompt)].json;
    line["text"] = result.text;
    line["finish_reason"] = infer::Name(result.reason);
    line["tokens"] = result.ids;
    lines.Take(prompt, line);
    if (progress) progress(done, std::ssize(rows));
  };
  const Stopwatch stopwatch;
  infer::Generate(model, prompts, asked, observer);
  const double seconds = stopwatch.Seconds();
  log::Info("{} tokens in {:.2f} s ({:.1f} tokens/s)", tokens, seconds,
            static_cast<double>(tokens) / seconds);
}

}  // namespace gemtune::cli
