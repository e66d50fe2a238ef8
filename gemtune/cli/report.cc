#include "gemtune/cli/report.h"

#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/train/report/report.h"

namespace gemtune::cli {

void Report::Declare(OptionSet& options) {
  options.Group("Runs");
  options.Add("DIR", directories_, "Output directories of gemtune train");
  options.Add("--output-file", output_file_, "The page", {.not_empty = true, .is_path = true});
}

void Report::Run(const OptionSet&) {
  if (directories_.empty()) Fail("gemtune report: name the output directory of a training run, or several");
  std::vector<nlohmann::ordered_json> runs;
  for (const std::string& directory : directories_) runs.push_back(train::ReadRun(directory));
  WriteFileAtomically(output_file_, train::ReportPage(runs));
  std::cout << output_file_ << std::endl;
}

}  // namespace gemtune::cli
