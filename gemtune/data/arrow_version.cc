#include "gemtune/data/arrow_version.h"

#include <arrow/config.h>

namespace gemtune::data {

std::string ArrowVersion() {
  return arrow::GetBuildInfo().version_string;
}

}  // namespace gemtune::data
