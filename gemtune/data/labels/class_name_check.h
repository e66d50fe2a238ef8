#pragma once

#include <string>
#include <vector>

namespace gemtune::data {

/// What looks wrong with the names of classes, one line each:
///  - some that differ in white space, letter case or Unicode normal form only;
///  - what pandas writes for a missing value;
///  - lists as text, which CSV makes of them.
std::vector<std::string> ClassNameWarnings(const std::vector<std::string>& names);

}  // namespace gemtune::data
