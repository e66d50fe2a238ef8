#include "gemtune/cli/option_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/cli/toml.h"
#include "gemtune/io/hub/cache.h"

namespace gemtune::cli {
namespace {

// What --help shows after an option's name.
struct Shown {
  std::string type;
  std::function<std::string()> value;  // as TOML; "" for none
  std::string initial;                 // the value before parsing
  std::string default_text;            // the same for --help; "" if the description says it
  bool is_list = false;
  std::vector<std::string> choices = {};
};

// Breaks `text` at spaces into lines of at most `width` bytes; a longer word gets a line of its own.
std::string Wrapped(std::string text, size_t width) {
  size_t line = 0;
  while (text.size() - line > width) {
    size_t space = text.rfind(' ', line + width);
    if (space == std::string::npos || space < line) space = text.find(' ', line);
    if (space == std::string::npos) break;
    text[space] = '\n';
    line = space + 1;
  }
  return text;
}

using ShownOptions = std::map<const CLI::Option*, Shown>;

// CLI11 adds --help itself, of which nothing more is shown.
Shown ShownOf(const ShownOptions& options, const CLI::Option* option) {
  const auto found = options.find(option);
  return found == options.end() ? Shown{} : found->second;
}

std::string Described(const CLI::Option& option, const Shown& shown) {
  std::string text = option.get_description();
  if (option.get_required()) text += " (required)";
  if (!shown.default_text.empty()) text += fmt::format(" (default {})", shown.default_text);
  return text;
}

// CLI11's help, in 80 columns and without its double blank lines.
class Formatter : public CLI::Formatter {
 public:
  explicit Formatter(const ShownOptions& shown) : shown_(shown) { column_width(kNameColumns); }

  std::string make_description(const CLI::App* app) const override {
    return CLI::Formatter::make_description(app) + "\n";
  }

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, name, mode), "\n\n\n", "\n\n");
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = ShownOf(shown_, option).type;
    return type.empty() ? "" : " " + type;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    return Wrapped(Described(*option, ShownOf(shown_, option)), kColumns - kNameColumns);
  }

 private:
  static constexpr size_t kColumns = 80, kNameColumns = 30;

  const ShownOptions& shown_;
};

// CLI11 puts "--option: " before what a check returns.
CLI::Validator Check(const Allowed& allowed, bool is_whole) {
  return CLI::Validator(
      [allowed, is_whole](std::string& input) -> std::string {
        if (!allowed.choices.empty()) {
          const auto& choices = allowed.choices;
          if (std::find(choices.begin(), choices.end(), input) != choices.end()) return "";
          return fmt::format("'{}' is not one of {}{}", Printable(input), fmt::join(choices, ", "),
                             DidYouMean(input, choices));
        }
        double number = 0;
        if (!CLI::detail::lexical_cast(input, number) || !std::isfinite(number))
          return fmt::format("'{}' is not a number", Printable(input));
        if (is_whole && std::trunc(number) != number) return fmt::format("'{}' is not a whole number", input);
        if (number >= allowed.min && number <= allowed.max) return "";
        if (allowed.max == std::numeric_limits<double>::infinity()) {
          return fmt::format("{} is less than {}", input, allowed.min);
        }
        return fmt::format("{} is not between {} and {:.16g}", input, allowed.min, allowed.max);
      },
      "");
}

CLI::Validator NotEmpty() {
  return CLI::Validator([](std::string& input) { return std::string(input.empty() ? "is empty" : ""); }, "");
}

// Accepts the spelling of transformers, --learning_rate.
std::string WithHyphens(std::string argument) {
  if (argument.starts_with("--")) {
    std::replace(argument.begin(), std::find(argument.begin(), argument.end(), '='), '_', '-');
  }
  return argument;
}

// CLI11 silently replaces a larger integer by the largest of the type.
Allowed Representable(Allowed allowed) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: a double holds every integer up to here
  allowed.min = std::max(allowed.min, -kExact);
  allowed.max = std::min(allowed.max, kExact);
  return allowed;
}

// CLI11's own reader ends a value at the first #, also within quotes, and leaves escapes as they are.
class Toml : public CLI::ConfigTOML {
 public:
  explicit Toml(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string text(std::istreambuf_iterator<char>(input), {});
    const std::string source = app_.get_name() + ": " + app_.get_config_ptr()->as<std::string>();
    std::vector<CLI::ConfigItem> found;
    for (TomlEntry& entry : ParseToml(text, source)) {
      found.push_back({.parents = {}, .name = std::move(entry.key), .inputs = std::move(entry.values)});
    }
    return found;
  }

 private:
  const CLI::App& app_;
};

// Makes a path or glob absolute, so that it means the same in any folder. Escapes glob characters in the
// folder that it prepends.
std::string Absolute(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty() || fs::path(path).is_absolute()) return path;
  std::error_code error;
  const bool is_there = fs::exists(path, error);
  std::string folder;
  for (const char c : fs::current_path(error).string()) {
    if (!is_there && std::string_view("*?[\\").find(c) != std::string_view::npos) folder += '\\';
    folder += c;
  }
  return (fs::path(folder) / path).string();
}

// The same for a model. Its name in Hugging Face's cache means the same anywhere.
std::string AbsoluteModel(const std::string& model) {
  return io::hub::NameOnHub(model) ? model : Absolute(model);
}

struct NamedLevel {
  std::string name;
  log::Level level;
};

// As transformers' log levels; errors are always said.
const std::vector<NamedLevel>& Levels() {
  static const std::vector<NamedLevel> levels = {{"debug", log::Level::kDebug},
                                                 {"info", log::Level::kInfo},
                                                 {"warning", log::Level::kWarning},
                                                 {"error", log::Level::kError}};
  return levels;
}

std::vector<std::string> NamesOfLevels() {
  std::vector<std::string> names;
  for (const NamedLevel& level : Levels()) names.push_back(level.name);
  return names;
}

log::Level FindLevel(const std::string& name) {
  return std::ranges::find(Levels(), name, &NamedLevel::name)->level;
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

struct OptionSet::State {
  State(const std::string& description, const std::string& name) : app(description, name) {}

  CLI::Option* Declare(CLI::Option* option, const Allowed& allowed, Shown details) {
    option->group(group)->required(allowed.required);
    const bool limited = !allowed.choices.empty() || allowed.min > -std::numeric_limits<double>::infinity() ||
                         allowed.max < std::numeric_limits<double>::infinity();
    if (limited) option->check(Check(allowed, details.type == "N"));
    if (allowed.required || allowed.not_empty) option->check(NotEmpty());
    if (!details.is_list) option->take_last();
    if (!allowed.bare.empty()) option->expected(0, 1)->default_str(allowed.bare);
    if (option->get_positional()) details.type.clear();
    if (!allowed.choices.empty()) details.choices = allowed.choices;
    if (!details.choices.empty()) details.type = fmt::format("{}", fmt::join(details.choices, "|"));
    const std::string value = details.value();
    details.initial = value;
    // 0 and false mean "none", and the description says so.
    if (value != "0" && value != "false") details.default_text = value;
    std::erase(details.default_text, '"');
    shown[option] = std::move(details);
    order.push_back(option);
    return option;
  }

  CLI::App app;
  bool quiet = false;
  std::string log_level = "info";
  std::string group = "Options";
  ShownOptions shown;
  std::vector<const CLI::Option*> order;
};

OptionSet::OptionSet(const std::string& command, const std::string& description)
    : state_(std::make_unique<State>(description, command)) {
  CLI::App& app = state_->app;
  app.formatter(std::make_shared<Formatter>(state_->shown));
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.config_formatter(std::make_shared<Toml>(app));
  app.set_config("--config", "", "TOML file with any of these options, as learning-rate = 1e-5");
  state_->shown[app.get_config_ptr()].type = "FILE";
  app.add_flag("-q,--quiet", state_->quiet, "No progress and no notes: as --log-level warning");
  CLI::Option* const level =
      app.add_option("--log-level", state_->log_level, "The least that is said on standard error");
  level->check(Check({.choices = NamesOfLevels()}, /*is_whole=*/false))->take_last();
  state_->shown[level] = {.type = fmt::format("{}", fmt::join(NamesOfLevels(), "|")),
                          .default_text = state_->log_level,
                          .choices = NamesOfLevels()};
  app.allow_config_extras(CLI::config_extras_mode::error);
}

OptionSet::~OptionSet() = default;

void OptionSet::Group(const std::string& title) {
  state_->group = title;
}

void OptionSet::Add(const std::string& names, std::string& value, const std::string& description,
                    const Allowed& allowed) {
  const auto in_effect = [&value, allowed] {
    const bool is_path =
        allowed.is_path || (allowed.is_path_or_word && !value.empty() && std::filesystem::exists(value));
    return value.empty() ? ""
                         : TomlString(allowed.is_model ? AbsoluteModel(value)
                                      : is_path        ? Absolute(value)
                                                       : value);
  };
  state_->Declare(state_->app.add_option(names, value, description), allowed,
                  {.type = "TEXT", .value = in_effect});
}

void OptionSet::Add(const std::string& names, int64_t& value, const std::string& description,
                    const Allowed& allowed) {
  state_->Declare(state_->app.add_option(names, value, description), Representable(allowed),
                  {.type = "N", .value = [&value] { return fmt::format("{}", value); }});
}

void OptionSet::Add(const std::string& names, uint64_t& value, const std::string& description,
                    const Allowed& allowed) {
  state_->Declare(state_->app.add_option(names, value, description), Representable(allowed),
                  {.type = "N", .value = [&value] { return fmt::format("{}", value); }});
}

void OptionSet::Add(const std::string& names, double& value, const std::string& description,
                    const Allowed& allowed) {
  state_->Declare(state_->app.add_option(names, value, description), allowed,
                  {.type = "X", .value = [&value] { return fmt::format("{}", value); }});
}

void OptionSet::Add(const std::string& names, bool& value, const std::string& description) {
  CLI::App& app = state_->app;
  state_->Declare(
      value ? app.add_option(names, value, description) : app.add_flag(names, value, description), {},
      {.type = "",
       .value = [&value] { return value ? "true" : "false"; },
       .choices = value ? std::vector<std::string>{"true", "false"} : std::vector<std::string>{}});
}

void OptionSet::Add(const std::string& names, std::vector<std::string>& value, const std::string& description,
                    const Allowed& allowed) {
  const auto in_effect = [&value, is_path = allowed.is_path] {
    std::vector<std::string> quoted;
    quoted.reserve(value.size());
    for (const std::string& item : value) quoted.push_back(TomlString(is_path ? Absolute(item) : item));
    return quoted.empty() ? "" : fmt::format("[{}]", fmt::join(quoted, ", "));
  };
  CLI::Option* const option = state_->Declare(state_->app.add_option(names, value, description), allowed,
                                              {.type = "TEXT ...", .value = in_effect, .is_list = true});
  if (allowed.one_value_each) option->allow_extra_args(false);
  if (allowed.delimiter != '\0') option->delimiter(allowed.delimiter);
}

namespace {

// All long names, each after `prefix`.
std::vector<std::string> LongNames(const CLI::App& app, const std::string& prefix) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(prefix + name);
  }
  return names;
}

std::vector<std::string_view> Words(std::string_view name) {
  std::vector<std::string_view> words;
  while (!name.empty()) {
    const std::string_view word = name.substr(0, name.find('-'));
    if (!word.empty()) words.push_back(word);
    name.remove_prefix(std::min(word.size() + 1, name.size()));
  }
  return words;
}

// "lr" for learning-rate.
std::string Initials(std::string_view name) {
  std::string initials;
  for (const std::string_view word : Words(name)) initials += word.front();
  return initials;
}

// How much of the typed text occurs in an option's name, as a word or as the beginning of one.
double Likeness(std::string_view typed, std::string_view name) {
  const std::vector<std::string_view> words = Words(name);
  double score = 0;
  for (const std::string_view part : Words(typed)) {
    double best = 0;
    for (const std::string_view word : words) {
      const bool begins =
          std::min(part.size(), word.size()) >= 3 && (part.starts_with(word) || word.starts_with(part));
      best = std::max(best, part == word ? 3.0 : begins ? 2.0 : 0.0);
    }
    score += best;
  }
  return score - 0.1 * static_cast<double>(words.size());  // prefers the shortest of several matches
}

// Never "" for a command with options: people often type another tool's name for an option.
std::string Suggestion(std::string_view typed, const std::vector<std::string>& known) {
  const auto suggest = [](const std::string& name) { return fmt::format(" (did you mean '{}'?)", name); };
  const std::vector<std::string_view> words = Words(typed);
  for (const std::string& name : known) {
    if (words.size() == 1 && words[0].size() > 1 && words[0] == Initials(name)) return suggest(name);
  }
  if (std::string mistyped = DidYouMean(typed, known); !mistyped.empty()) return mistyped;
  const auto likeness = [&](const std::string& name) { return Likeness(typed, name); };
  const auto best = std::ranges::max_element(known, {}, likeness);
  return likeness(*best) > 1 ? suggest(*best) : DidYouMean(typed, known, /*however_far=*/true);
}

[[noreturn]] void ComplainOfExtra(const CLI::App& app) {
  const std::string extra = app.remaining().empty() ? "" : app.remaining().front();
  if (!extra.starts_with("-")) {
    Fail("{}: '{}' is one argument too many; see {} --help", app.get_name(), Printable(extra),
         app.get_name());
  }
  Fail("{}: unknown option {}{}; see {} --help", app.get_name(), Printable(extra),
       Suggestion(extra.substr(0, extra.find('=')), LongNames(app, "--")), app.get_name());
}

[[noreturn]] void ComplainOfFile(const CLI::App& app, std::string_view complaint) {
  constexpr std::string_view kUnknown = "INI was not able to parse ";
  if (complaint.starts_with(kUnknown)) complaint.remove_prefix(kUnknown.size());
  Fail("{}: {}: '{}' is not an option{}; see {} --help", app.get_name(),
       app.get_config_ptr()->as<std::string>(), Printable(complaint),
       Suggestion(complaint, LongNames(app, "")), app.get_name());
}

}  // namespace

bool OptionSet::Parse(const std::vector<std::string>& arguments) {
  CLI::App& app = state_->app;
  std::vector<std::string> reversed;  // CLI11 takes the last argument first
  for (auto it = arguments.rbegin(); it != arguments.rend(); ++it) reversed.push_back(WithHyphens(*it));
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return false;
  } catch (const CLI::ExtrasError&) {
    ComplainOfExtra(app);
  } catch (const CLI::ConfigError& error) {
    ComplainOfFile(app, error.what());
  } catch (const CLI::ParseError& error) {
    // CLI11 first reports a missing option, which may be the one that was misspelt.
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && app.remaining_size() > 0)
      ComplainOfExtra(app);
    Fail("{}: {}; see {} --help", app.get_name(), FirstLine(error.what()), app.get_name());
  }
  if (state_->quiet) log::SetLevel(log::Level::kWarning);
  if (app.count("--log-level") > 0) log::SetLevel(FindLevel(state_->log_level));
  return true;
}

std::vector<OptionHelp> OptionSet::Help() const {
  std::vector<OptionHelp> all;
  for (const CLI::Option* option : state_->app.get_options()) {
    const Shown shown = ShownOf(state_->shown, option);
    OptionHelp help = {
        .group = option->get_group(),
        .is_positional = option->get_positional(),
        .value = shown.type,
        .choices = shown.choices,
        .takes_text = shown.choices.empty() &&
                      (option->get_positional() || shown.type == "FILE" || shown.type.starts_with("TEXT")),
        .description = Described(*option, shown)};
    if (help.is_positional) help.names.push_back(option->get_name());
    for (const std::string& name : option->get_snames()) help.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) help.names.push_back("--" + name);
    all.push_back(std::move(help));
  }
  return all;
}

bool OptionSet::Given(const std::string& name) const {
  return state_->app.count(name) > 0;
}

bool OptionSet::Changed(const std::string& name) const {
  const CLI::Option* option = state_->app.get_option_no_throw(name);
  if (option == nullptr) return false;
  const Shown& shown = state_->shown.at(option);
  return shown.value() != shown.initial;
}

std::vector<std::pair<std::string, std::string>> OptionSet::Values() const {
  std::vector<std::pair<std::string, std::string>> values;
  for (const CLI::Option* option : state_->order) {
    const std::string value = state_->shown.at(option).value();
    if (value.empty() || option->get_lnames().empty()) continue;
    values.emplace_back(option->get_lnames().front(), value);
  }
  return values;
}

std::string OptionSet::Effective() const {
  std::string text;
  for (const auto& [name, value] : Values()) text += fmt::format("{} = {}\n", name, value);
  return text;
}

}  // namespace gemtune::cli
