#include "gemtune/cli/generation_options.h"

#include <algorithm>
#include <filesystem>

#include "gemtune/base/error.h"
#include "gemtune/infer/generation_config.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/model/adapter.h"
#include "gemtune/model/native_dtype.h"

namespace gemtune::cli {

void GenerationOptions::DeclareModel(OptionSet& options) {
  options.Group("Model");
  options.Add("--model", model_, "Directory of a language model or of an adapter, or a GGUF file",
              {.required = true});
  AddBaseModel(options, base_model_);
  options.Add("--base-dtype", base_dtype_,
              "Format of the weights that no adapter has; auto: a GGUF's blocks as they are, others in "
              "--dtype; q8_0: "
              "any model's rounded to 8 bits; expand: a GGUF's in --dtype, too",
              {.choices = {"auto", "q8_0", "expand"}});
}

void GenerationOptions::Declare(OptionSet& options, int64_t max_new_tokens) {
  max_new_tokens_ = max_new_tokens;
  options.Group("Generation (default: the model's generation_config.json)");
  options.Add("--max-new-tokens", max_new_tokens_, "Most tokens of an answer", {.min = 1, .max = 1 << 24});
  options.Add("--min-new-tokens", min_new_tokens_, "Tokens before which an answer does not end",
              {.min = 0, .max = 1 << 24});
  options.Add(
      "--do-sample", sampling_.do_sample,
      "Draw tokens by their probability instead of taking the first; implied by the next four options");
  options.Add("--temperature", sampling_.temperature, "Scores are divided by it; 0: no sampling",
              {.min = 0, .max = 1e6});
  options.Add("--top-k", sampling_.top_k, "Draw from the K most probable tokens only; 0: from all",
              {.min = 0});
  options.Add("--top-p", sampling_.top_p,
              "... from the most probable ones that have this probability together", {.min = 0, .max = 1});
  options.Add("--min-p", sampling_.min_p, "... from those at least so probable, relative to the first",
              {.min = 0, .max = 1});
  options.Add("--repetition-penalty", sampling_.repetition_penalty,
              "Makes tokens that occurred less probable if above 1", {.min = 1e-6, .max = 1e6});
  options.Add("--seed", sampling_.seed, "Seed of sampling; the same for any batch and number of threads");
  options.Add("--stop", stops_, "Texts before which an answer ends", {.one_value_each = true});
  machine_.Declare(options);
}

model::BaseWeights GenerationOptions::BaseWeights() const {
  if (base_dtype_ == "q8_0") return model::BaseWeights::kQ8_0;
  std::filesystem::path base = io::hub::FindModel(model_);
  if (model::IsAdapter(base)) {
    base = base_model_.empty() ? model::ReadAdapterConfig(base).base_model_name_or_path : base_model_;
  }
  std::error_code error;
  const bool is_gguf = std::filesystem::is_regular_file(io::hub::LookUpModel(base).value_or(base), error);
  return is_gguf && base_dtype_ == "auto" ? model::BaseWeights::kFileBlocks : model::BaseWeights::kNumbers;
}

model::PretrainedCausalLm GenerationOptions::Open() const {
  const ops::Device device = machine_.Device();
  const ops::MatmulDtype matmul_dtype = machine_.MatmulDtype();
  machine_.Apply();
  const std::optional<at::ScalarType> dtype = machine_.Dtype();
  auto model = model::PretrainedCausalLm::FromTrained(
      model_,
      {.dtype = dtype ? *dtype : model::NativeDtype(device), .device = device, .base_weights = BaseWeights()},
      base_model_);
  model.trunk()->SetMatmulDtype(matmul_dtype);
  return model;
}

infer::GenerateOptions GenerationOptions::Resolve(const OptionSet& options,
                                                  const model::PretrainedCausalLm& model) const {
  const infer::GenerationConfig config = infer::GenerationConfig::Of(model);
  infer::SamplingOptions sampling = config.sampling;
  const auto take = [&](const char* name, auto infer::SamplingOptions::*field) {
    if (options.Given(name)) sampling.*field = sampling_.*field;
    return options.Given(name);
  };
  bool asks_to_sample = false;
  asks_to_sample |= take("--temperature", &infer::SamplingOptions::temperature);
  asks_to_sample |= take("--top-k", &infer::SamplingOptions::top_k);
  asks_to_sample |= take("--top-p", &infer::SamplingOptions::top_p);
  asks_to_sample |= take("--min-p", &infer::SamplingOptions::min_p);
  take("--repetition-penalty", &infer::SamplingOptions::repetition_penalty);
  sampling.seed = sampling_.seed;
  if (!take("--do-sample", &infer::SamplingOptions::do_sample) && asks_to_sample) sampling.do_sample = true;
  if (sampling.temperature == 0) {
    sampling.do_sample = false;
    sampling.temperature = 1;
  }
  return {.sampling = sampling,
          .eos_token_ids = config.eos_token_ids,
          .stops = stops_,
          .max_new_tokens = max_new_tokens_,
          .min_new_tokens = min_new_tokens_};
}

std::vector<int32_t> EncodeTurns(const std::vector<text::ChatMessage>& messages,
                                 const text::Tokenizer& tokenizer, const std::string& place) {
  std::vector<text::ChatMessage> answered = messages;
  answered.push_back({"assistant", "..."});  // the answer to come
  if (const auto fault = text::FaultOf(answered)) Fail("{}: {}", place, *fault);
  return tokenizer.Encode(text::RenderChat(messages, {.add_generation_prompt = true}),
                          {.add_special_tokens = false});
}

}  // namespace gemtune::cli
