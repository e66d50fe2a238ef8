#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::data {

/// A text without the white space of ASCII at its ends, which pandas passes over around a number.
std::string_view Trimmed(std::string_view text);

/// The finite number that a text spells: " 1.5", "+1.5", "1e-3".
std::optional<double> NumberOf(std::string_view text);

/// The integer that a text spells: "3", " +3", "03", "3.0", "3e0".
std::optional<int64_t> IntegerOf(std::string_view text);

/// IntegerOf a text as programs write integers: "3", " +3", and "3.0", which is what pandas makes of a column
/// that once had a gap; not "03", which is a name.
std::optional<int64_t> PlainIntegerOf(std::string_view text);

/// The integer that a number is, as far as a double holds integers exactly (2^53).
std::optional<int64_t> WholeNumber(double value);

/// Whether a text spells a number that is no integer.
bool IsFraction(std::string_view text);

/// The truth value that a text spells: True, TRUE or true, False, FALSE or false, which are what pandas takes
/// for one, and white space around it.
std::optional<bool> TruthOf(std::string_view text);

/// The name of a truth value as a class: "True", "False", as pandas writes it.
std::string_view TruthName(bool truth);

/// Whether a text is a list or a table as Python or JSON writes it: "['a', 'b']", "[1, 2]", "{'a': 1}"; not
/// "[other]".
bool LooksLikeList(std::string_view text);

/// "LABEL_0", "LABEL_1", ..., as transformers names classes that have no names.
std::vector<std::string> NumberedNames(size_t count);

/// The n of "LABEL_<n>".
std::optional<int64_t> LabelNumberOf(std::string_view name);

/// Whether pandas reads a field as one without a value, unless told not to (na_values of read_csv; the empty
/// field is left to the caller).
bool IsMissingToPandas(std::string_view text);

/// Whether a text is what programs write for a value that is missing: pandas' list, "none" and "?".
bool MarksMissing(std::string_view text);

}  // namespace gemtune::data
