#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::data {

/// A text without ASCII white space at its ends, which pandas ignores around a number.
std::string_view Trimmed(std::string_view text);

/// The finite number that a text spells: " 1.5", "+1.5", "1e-3".
std::optional<double> NumberOf(std::string_view text);

/// The integer that a text spells: "3", " +3", "03", "3.0", "3e0".
std::optional<int64_t> IntegerOf(std::string_view text);

/// IntegerOf, but only for integers as programs write them: "3", " +3", and "3.0", which pandas writes for a
/// column that once had a gap; not "03", which is a name.
std::optional<int64_t> PlainIntegerOf(std::string_view text);

/// The integer equal to a number, up to 2^53, where a double holds integers exactly.
std::optional<int64_t> WholeNumber(double value);

/// Whether a text spells a number that is not an integer.
bool IsFraction(std::string_view text);

/// The truth value that a text spells: True, TRUE or true, False, FALSE or false (as in pandas), with white
/// space allowed around it.
std::optional<bool> TruthOf(std::string_view text);

/// The name of a truth value as a class: "True", "False", as pandas writes it.
std::string_view TruthName(bool truth);

/// Whether a text is a list or a dictionary as Python or JSON writes it: "['a', 'b']", "[1, 2]", "{'a': 1}";
/// not "[other]".
bool LooksLikeList(std::string_view text);

/// "LABEL_0", "LABEL_1", ..., as transformers names classes that have no names.
std::vector<std::string> NumberedNames(size_t count);

/// The n of "LABEL_<n>".
std::optional<int64_t> LabelNumberOf(std::string_view name);

/// Whether pandas by default reads a field as a missing value (na_values of read_csv; the caller handles the
/// empty field).
bool IsMissingToPandas(std::string_view text);

/// Whether programs write this text for a missing value: pandas' list, "none" and "?".
bool MarksMissing(std::string_view text);

}  // namespace gemtune::data
