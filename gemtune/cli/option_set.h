#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gemtune::cli {

/// The values that an option accepts; any other value is an Error that says so.
struct Allowed {
  std::vector<std::string> choices = {};  // empty: any text
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool required = false;        // and not ""
  bool not_empty = false;       // not ""; for other options "" means "none"
  bool one_value_each = false;  // for a list: --file a --file b, but not --file a b
  char delimiter = '\0';        // for a list: --names a,b as well as --names a b
  bool is_path = false;  // a file or a glob: Values makes it absolute, so that it works from any folder
  bool is_path_or_word = false;  // the same where there is such a file
  bool is_model = false;         // the same for a model, but a name in Hugging Face's cache stays one
  std::string bare = {};         // the value if the option is given without one; empty: it needs one
};

/// What a command's help, manual and completion say of one option.
struct OptionHelp {
  std::string group;
  std::vector<std::string> names;  // as typed: "-h", "--model"; of a positional argument its name, "PATH"
  bool is_positional = false;
  std::string value;                 // what follows the name: "FILE", "N", "bf16|fp32"; "" for a flag
  std::vector<std::string> choices;  // all that it may be; empty: anything
  bool takes_text = false;           // and so, perhaps, a file
  std::string description;           // with "(required)" or "(default x)"
};

/// A command's options. Each is declared with a name and a variable, which holds the default and receives the
/// value. Values come from the command line and from --config FILE (TOML); --help shows the options in groups
/// with their defaults. Every command has --quiet and --log-level, which Parse puts into effect. Built on
/// CLI11, which only option_set.cc includes: it takes 20 seconds to compile.
class OptionSet {
 public:
  /// `command` is what the user typed, "gemtune train".
  OptionSet(const std::string& command, const std::string& description);
  ~OptionSet();
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  /// --help shows the options added from here on under this title.
  void Group(const std::string& title);

  /// `names` as CLI11 takes them: "--model,--model-name-or-path", or "TEXT" for a positional argument.
  /// `value` must outlive Parse. A bool that is false by default is a flag (--flag, --flag=true); one that is
  /// true by default takes a value (--option false).
  void Add(const std::string& names, std::string& value, const std::string& description,
           const Allowed& allowed = {});
  void Add(const std::string& names, int64_t& value, const std::string& description,
           const Allowed& allowed = {});
  void Add(const std::string& names, uint64_t& value, const std::string& description,
           const Allowed& allowed = {});
  void Add(const std::string& names, double& value, const std::string& description,
           const Allowed& allowed = {});
  void Add(const std::string& names, bool& value, const std::string& description);
  void Add(const std::string& names, std::vector<std::string>& value, const std::string& description,
           const Allowed& allowed = {});

  /// Reads the arguments, and the file of --config, which they override. If an option is given twice, the
  /// last value counts. Returns false if --help was asked for and printed. Throws an Error of one line for
  /// any mistake.
  bool Parse(const std::vector<std::string>& arguments);

  /// All options in the order of --help, which is one of them.
  std::vector<OptionHelp> Help() const;

  /// Whether the option was given, on the command line or in the configuration file.
  bool Given(const std::string& name) const;

  /// Whether its value differs from the default. (A run.toml gives every option, so Given cannot tell.) False
  /// for an option that the command does not have.
  bool Changed(const std::string& name) const;

  /// Name and value (as TOML) of the options in effect, without those that are empty.
  std::vector<std::pair<std::string, std::string>> Values() const;

  /// The same as a TOML file for --config.
  std::string Effective() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gemtune::cli
