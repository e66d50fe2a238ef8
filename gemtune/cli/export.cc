#include "gemtune/cli/export.h"

#include <filesystem>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/writable_directory.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/model/gguf_export.h"

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWholeModel = "gguf";
constexpr const char* kAdapter = "gguf-lora";

std::vector<std::string> OuttypeNames() {
  std::vector<std::string> names;
  for (const io::GgufOuttype& outtype : io::GgufOuttypes()) names.emplace_back(outtype.name);
  return names;
}

// Before any work.
void CheckOutfile(const fs::path& file, const fs::path& model, bool may_overwrite) {
  std::error_code error;
  if (fs::is_directory(file, error)) Fail("{}: is a directory; give a file as --outfile", file.string());
  if (fs::equivalent(file, model, error)) {
    Fail("{}: would be overwritten by its own copy; give another --outfile", file.string());
  }
  if (fs::exists(file, error) && !may_overwrite) {
    Fail("{}: is there already; give another --outfile, or overwrite it with --overwrite", file.string());
  }
  const fs::path directory = file.parent_path();
  MakeWritableDirectory(directory.empty() ? fs::path(".") : directory, "--outfile");
}

}  // namespace

void Export::Declare(OptionSet& options) {
  options.Group("Model");
  options.Add("--model", model_, "Directory of a language model or of an adapter, or a GGUF file",
              {.required = true});
  AddBaseModel(options, base_model_);
  options.Group("Output");
  options.Add("--format", format_,
              "gguf: the whole model, an adapter merged into its base; gguf-lora: an adapter alone",
              {.choices = {kWholeModel, kAdapter}});
  options.Add("--outtype", outtype_, "How the weights are stored; default: bf16, for an adapter alone f32",
              {.choices = OuttypeNames()});
  options.Add("--outfile", outfile_, "The file to write", {.required = true});
  options.Add("--overwrite", overwrite_, "Replace --outfile if it is there");
  options.Group("Machine");
  options.Add("--threads", threads_, kThreadsHelp, {.min = 0, .max = 4096});
}

void Export::Run(const OptionSet&) {
  SetNumThreads(static_cast<int>(threads_));
  const bool is_adapter = format_ == kAdapter;
  const std::string otherwise = is_adapter ? "f32" : "bf16";
  const io::GgufOuttype& outtype = io::FindGgufOuttype(outtype_.empty() ? otherwise : outtype_);
  CheckOutfile(outfile_, io::hub::FindModel(model_), overwrite_);
  const auto write = is_adapter ? model::ExportGgufLora : model::ExportGguf;
  write(model_, base_model_, outtype, outfile_);
  log::Info("{} written as {}", outfile_, outtype.name);
}

}  // namespace gemtune::cli
