#include "gemtune/cli/merge.h"

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/writable_directory.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/model/adapter.h"
#include "gemtune/model/load_adapter.h"
#include "gemtune/model/model_directory.h"

namespace gemtune::cli {

void Merge::Declare(OptionSet& options) {
  options.Group("Model");
  options.Add("--model", model_, "Directory of an adapter", {.required = true});
  AddBaseModel(options, base_model_);
  options.Add("--output-dir", output_dir_, "Where the merged model goes", {.required = true});
  options.Add("--overwrite-output-dir", overwrite_output_dir_,
              "Write even if --output-dir holds another model");
  options.Group("Machine");
  options.Add("--dtype", dtype_, "Precision of the merged weights", {.choices = {"bf16", "fp32"}});
  options.Add("--threads", threads_, kThreadsHelp, {.min = 0, .max = 4096});
}

void Merge::Run(const OptionSet&) {
  SetNumThreads(static_cast<int>(threads_));
  const std::filesystem::path model = io::hub::FindModel(model_);
  if (!model::IsAdapter(model)) {
    Fail("{}: is not an adapter (it has no adapter_config.json): there is nothing to merge", model_);
  }
  MakeWritableDirectory(output_dir_, "--output-dir");
  model::RefuseInPlace(model, output_dir_, "--output-dir");
  RefuseModel(output_dir_, overwrite_output_dir_, "--output-dir");
  model::RefuseShadows(output_dir_, /*writes_adapter=*/false);
  const auto pretrained =
      model::LoadAdapter(model, {.dtype = dtype_ == "bf16" ? at::kBFloat16 : at::kFloat}, base_model_);
  model::RefuseInPlace(pretrained->adapter->base_model_name_or_path, output_dir_, "--output-dir");
  pretrained->MergeAdapter();
  pretrained->Save(output_dir_);
  log::Info("merged model saved in {}", output_dir_);
}

}  // namespace gemtune::cli
