#pragma once

#include <string>

namespace gemtune::cli {

/// What gemtune --version prints: the program, the libraries that it runs with, what of the processor it uses
/// and the plugin for cards, a line each.
std::string VersionReport();

}  // namespace gemtune::cli
