#pragma once

#include <string>
#include <vector>

namespace gemtune::data {

/// Warnings about suspicious names of classes, one line each:
///  - names that differ only in white space, letter case or Unicode normal form;
///  - what pandas writes for missing values;
///  - lists written as text, as in CSV files.
std::vector<std::string> ClassNameWarnings(const std::vector<std::string>& names);

}  // namespace gemtune::data
