#include "gemtune/cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <iterator>

#include "gemtune/cli/commands.h"

namespace gemtune::cli {
namespace {

std::string CommandNames() {
  std::vector<std::string> names;
  for (const CommandRow& row : Commands()) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, " "));
}

template <typename... Args>
void Line(std::string& script, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(script), format, std::forward<Args>(args)...);
  script += '\n';
}

// What may stand in place of a positional argument; empty: a file.
std::vector<std::string> PositionalChoices(const std::vector<OptionHelp>& options) {
  for (const OptionHelp& option : options) {
    if (option.is_positional) return option.choices;
  }
  return {};
}

std::string Bash() {
  std::string script, names, values;
  for (const CommandRow& row : Commands()) {
    const std::vector<OptionHelp> options = OptionsOf(row);
    std::vector<std::string> typed;
    for (const OptionHelp& option : options) {
      if (option.is_positional) continue;
      typed.insert(typed.end(), option.names.begin(), option.names.end());
      if (option.value.empty() || option.takes_text) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names) patterns.push_back(row.name + ":" + name);
      // Nothing can be guessed of a number.
      Line(values, "    {}) words='{}' ;;", fmt::join(patterns, "|"), fmt::join(option.choices, " "));
    }
    Line(names, "    {}:-*) words='{}' ;;", row.name, fmt::join(typed, " "));
    if (const auto choices = PositionalChoices(options); !choices.empty())
      Line(names, "    {}:*) words='{}' ;;", row.name, fmt::join(choices, " "));
  }
  Line(script, R"(# bash completion of gemtune, printed by: gemtune completion bash
_gemtune() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$current"))
    return
  fi
  # --name=value is three words to bash.
  if [ "$current" = = ]; then
    current=
  elif [ "$previous" = = ]; then
    previous=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  case ${{COMP_WORDS[1]}}:$previous in)",
       CommandNames());
  script += values;
  script += R"(    *) case ${COMP_WORDS[1]}:$current in
)" + names + R"(    *) return ;;  # a file
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  # No file where there is nothing to choose from.
  [ ${#COMPREPLY[@]} != 0 ] || compopt +o default
}
complete -o default -F _gemtune gemtune
)";
  return script;
}

// In a description of zsh's _arguments these end a part.
std::string ZshText(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return escaped;
}

std::string ZshValue(const OptionHelp& option) {
  if (option.value.empty() && !option.is_positional) return "";
  const std::string what = ZshText(option.is_positional ? option.names.front() : option.value);
  if (!option.choices.empty()) return fmt::format(":{}:({})", what, fmt::join(option.choices, " "));
  return fmt::format(":{}:{}", what, option.takes_text ? "_files" : " ");
}

std::string Zsh() {
  std::string script;
  Line(script, R"(#compdef gemtune
# zsh completion of gemtune, printed by: gemtune completion zsh
_gemtune() {{
  local -a commands=()");
  for (const CommandRow& row : Commands()) Line(script, "    '{}:{}'", row.name, ZshText(row.description));
  Line(script, R"(  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in)");
  for (const CommandRow& row : Commands()) {
    Line(script, "    {}) _arguments \\", row.name);
    for (const OptionHelp& option : OptionsOf(row)) {
      if (option.is_positional) {
        Line(script, "      '*{}' \\", ZshValue(option));
        continue;
      }
      for (const std::string& name : option.names) {
        const bool takes_value = !option.value.empty() && name.starts_with("--");
        Line(script, "      '*{}{}[{}]{}' \\", name, takes_value ? "=" : "", ZshText(option.description),
             ZshValue(option));
      }
    }
    Line(script, "      && return 0 ;;");
  }
  script += R"(  esac
}
# Autoloaded as a function of this name, or sourced.
if [ "$funcstack[1]" = _gemtune ]; then
  _gemtune "$@"
else
  compdef _gemtune gemtune
fi
)";
  return script;
}

std::string FishText(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string Fish() {
  std::string script = "# fish completion of gemtune, printed by: gemtune completion fish\n";
  Line(script, "complete -c gemtune -n __fish_use_subcommand -f -l version -d 'Print the version'");
  for (const CommandRow& row : Commands()) {
    Line(script, "complete -c gemtune -n __fish_use_subcommand -f -a {} -d '{}'", row.name,
         FishText(row.description));
    const std::string begin =
        fmt::format("complete -c gemtune -n '__fish_seen_subcommand_from {}'", row.name);
    for (const OptionHelp& option : OptionsOf(row)) {
      const std::string choices = fmt::format("{}", fmt::join(option.choices, " "));
      if (option.is_positional) {
        if (!choices.empty()) Line(script, "{} -f -a '{}'", begin, choices);
        continue;
      }
      std::string line = begin;
      for (const std::string& name : option.names) {
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!choices.empty()) {
        line += " -x -a '" + choices + "'";
      } else if (!option.value.empty()) {
        line += option.takes_text ? " -r -F" : " -x";
      }
      Line(script, "{} -d '{}'", line, FishText(option.description));
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(const std::string& shell) {
  return shell == "bash" ? Bash() : shell == "zsh" ? Zsh() : Fish();
}

void Completion::Declare(OptionSet& options) {
  options.Add("SHELL", shell_, "The shell, as in: source <(gemtune completion bash)",
              {.choices = {"bash", "zsh", "fish"}, .required = true});
}

void Completion::Run(const OptionSet&) {
  std::cout << CompletionScript(shell_);
}

}  // namespace gemtune::cli
