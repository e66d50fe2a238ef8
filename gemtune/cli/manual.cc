#include "gemtune/cli/manual.h"

#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <string_view>
#include <utility>

#include "gemtune/cli/commands.h"

namespace gemtune::cli {
namespace {

struct Variable {
  std::string_view name, meaning;
};

constexpr Variable kEnvironment[] = {
    {"GEMTUNE_INSTRUCTION_SET",
     "The most that kernels may use of the processor: none, avx2, avx_vnni, avx512, avx512_vnni or all."},
    {"GEMTUNE_GEMM",
     "Whose matrix products are used: own, library (the one under LibTorch) or auto, by the kind of "
     "processor."},
    {"GEMTUNE_CUDA_PLUGIN",
     "The file of the part for NVIDIA's cards, if it does not lie beside the program."},
    {"HF_HOME, HF_HUB_CACHE",
     "Where models that are named as on Hugging Face's hub lie; as for its own programs."},
    {"HF_TOKEN, HF_TOKEN_PATH", "The token for gated and private models, or its file."},
    {"HF_ENDPOINT, HF_HUB_OFFLINE", "Another hub than https://huggingface.co; 1: fetch asks none."},
    {"OMP_WAIT_POLICY, GOMP_SPINCOUNT", "How LibTorch's threads wait; respected if set."},
    {"XDG_CACHE_HOME", "Tokenised data sets are kept in its folder gemtune (default: ~/.cache)."},
};

constexpr Variable kExitStatus[] = {
    {"0", "Done."},
    {"1", "The run could not go on: a full disk, no memory left, a loss that is not finite."},
    {"2", "The input is at fault: an option, a file, a row. One line on standard error says what to do."},
    {"128 + N", "Stopped by signal N; a run of train has saved a checkpoint and says how to go on."},
};

// Text for a line of its own: a hyphen that can be copied, and no request by accident.
std::string Roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

template <typename... Args>
void Put(std::string& page, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(page), format, std::forward<Args>(args)...);
  page += '\n';
}

void PutOption(std::string& page, const OptionHelp& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", Roff(name));
  }
  const std::string value = option.value.empty() ? "" : " \\fI" + Roff(option.value) + "\\fR";
  Put(page, ".TP\n{}{}\n{}", names, value, Roff(option.description));
}

void PutCommand(std::string& page, const CommandRow& row) {
  Put(page, ".SS gemtune {}\n{}.", row.name, Roff(row.description));
  std::string group;
  for (const OptionHelp& option : OptionsOf(row)) {
    if (option.group != group) Put(page, ".PP\n\\fI{}\\fR", Roff(option.group));
    group = option.group;
    PutOption(page, option);
  }
}

template <size_t size>
void PutTable(std::string& page, std::string_view title, const Variable (&rows)[size]) {
  Put(page, ".SH {}", title);
  for (const Variable& row : rows) Put(page, ".TP\n\\fB{}\\fR\n{}", Roff(row.name), Roff(row.meaning));
}

}  // namespace

std::string ManualPage() {
  std::string page;
  Put(page,
      ".TH GEMTUNE 1 \"\" \"gemtune {}\" \"User Commands\"\n"
      ".SH NAME\n"
      "gemtune \\- fine\\-tune Gemma 3\n"
      ".SH SYNOPSIS\n"
      ".B gemtune\n"
      ".I COMMAND\n"
      ".RI [ OPTIONS ]\n"
      ".SH DESCRIPTION\n"
      "Fine\\-tunes Google's Gemma 3 on labelled texts or conversations, measures and applies the result. "
      "Models are\n"
      "read and written in Hugging Face's formats and as GGUF.\n"
      ".PP\n"
      "Results go to standard output, all else to standard error. An option may be written as transformers "
      "spells\n"
      "it (\\-\\-learning_rate), and in a TOML file given as \\-\\-config; if it is given twice, the last "
      "value counts.\n"
      ".SH COMMANDS",
      GEMTUNE_VERSION);
  for (const CommandRow& row : Commands()) PutCommand(page, row);
  PutTable(page, "EXIT STATUS", kExitStatus);
  PutTable(page, "ENVIRONMENT", kEnvironment);
  Put(page,
      ".SH EXAMPLES\n"
      ".EX\n"
      "gemtune train \\-\\-model gemma\\-3\\-270m \\-\\-train\\-file train.parquet \\-\\-validation\\-split "
      "0.1 \\e\n"
      "  \\-\\-method lora \\-\\-output\\-dir out\n"
      "gemtune predict \\-\\-model out \"Two hours well spent.\"\n"
      ".EE");
  return page;
}

void Manual::Declare(OptionSet&) {}

void Manual::Run(const OptionSet&) {
  std::cout << ManualPage();
}

}  // namespace gemtune::cli
