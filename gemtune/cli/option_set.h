#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gemtune::cli {

/// What a value of an option may be; anything else is an Error that says so.
struct Allowed {
  std::vector<std::string> choices = {};  // empty: any text
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool required = false;        // and not ""
  bool not_empty = false;       // not "", which stands for "none" elsewhere
  bool one_value_each = false;  // of a list: --file a --file b, but not --file a b
  char delimiter = '\0';        // of a list: --names a,b as well as --names a b
  bool is_path = false;         // of a file or a glob: Values gives it absolute, to be the same everywhere
  std::string bare = {};        // what it holds where it is given without a value; empty: it needs one
};

/// A command's options: declared by name with a variable that holds the default and takes the value, read
/// from the command line and from --config FILE (TOML), shown by --help in groups with defaults. CLI11
/// underneath, in this one place: a file that includes it takes 20 seconds to compile.
class OptionSet {
 public:
  /// `command` is what the user typed, "gemtune train".
  OptionSet(const std::string& command, const std::string& description);
  ~OptionSet();
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  /// Options that follow stand under this title in --help.
  void Group(const std::string& title);

  /// `names` as CLI11 takes them: "--model,--model-name-or-path", or "TEXT" for what stands without a name.
  /// `value` must outlive Parse. A bool that starts as false is a flag (--flag, --flag=true), one that starts
  /// as true takes a value (--option false).
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

  /// Reads the arguments (and the file of --config, which they override); of an option given twice, the last
  /// holds. Returns false if --help was asked for and printed. Throws Error in one line for everything that
  /// is not right.
  bool Parse(const std::vector<std::string>& arguments);

  /// Was it given, on the command line or in the configuration file?
  bool Given(const std::string& name) const;

  /// Does it hold anything but its default? A run.toml gives every option.
  bool Changed(const std::string& name) const;

  /// Name and value (as TOML) of the options in effect. Those that hold nothing are left out.
  std::vector<std::pair<std::string, std::string>> Values() const;

  /// The same as a TOML file for --config.
  std::string Effective() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gemtune::cli
