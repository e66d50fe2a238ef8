#pragma once

#include <string>

namespace gemtune::data {

/// The version of the Arrow library that is loaded: "26.0.1".
std::string ArrowVersion();

}  // namespace gemtune::data
