#include "gemtune/cli/options.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"

namespace gemtune::cli {

void MachineOptions::Declare(CLI::App& app) {
  app.add_option("--dtype", dtype,
                 "Working precision of weights and activations: auto takes bf16 where the processor "
                 "multiplies it natively, else fp32")
      ->check(CLI::IsMember({"auto", "bf16", "fp32"}))
      ->group("Machine");
  app.add_option("--threads", threads, "Threads; 0: one a processor")
      ->check(CLI::Range(0, 4096))
      ->group("Machine");
}

void MachineOptions::Apply() const {
  SetNumThreads(threads);
}

at::ScalarType MachineOptions::ScalarType() const {
  if (dtype != "auto") return dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  const bool native = __builtin_cpu_supports("avx512bf16") != 0;
  log::Info("dtype {} bf16 natively",
            native ? "bf16: this processor multiplies" : "fp32: this processor does not multiply");
  return native ? at::kBFloat16 : at::kFloat;
}

void ColumnOptions::Declare(CLI::App& app, bool with_labels) {
  app.add_option("--text-column", text_column, "Column that holds the text")->group("Data");
  app.add_option("--text-pair-column", text_pair_column, "Column that holds a second text, for pairs")
      ->group("Data");
  if (with_labels)
    app.add_option("--label-column", label_column, "Column that holds the label")->group("Data");
  app.add_option("--max-length", max_length,
                 "Tokens an example at most; the rest of its text is cut off. 0: no limit")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 24))
      ->group("Data");
  app.add_option("--cache-dir", cache_dir,
                 "Where tokenised data is kept for the next run "
                 "[$XDG_CACHE_HOME/gemtune or ~/.cache/gemtune]")
      ->group("Data");
  app.add_flag("--no-cache", no_cache, "Do not keep tokenised data")->group("Data");
}

namespace {

std::filesystem::path DefaultCacheDir() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return std::filesystem::path(cache) / "gemtune";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".cache" / "gemtune";
  }
  return {};
}

}  // namespace

data::DatasetOptions ColumnOptions::Dataset(const std::vector<std::string>& files) const {
  data::DatasetOptions options;
  options.files = files;
  options.text_column = text_column;
  options.text_pair_column = text_pair_column;
  options.label_column = label_column;
  options.max_length = max_length;
  if (!no_cache) options.cache_dir = cache_dir.empty() ? DefaultCacheDir() : std::filesystem::path(cache_dir);
  return options;
}

std::function<void(int64_t, int64_t)> CountingProgress(const std::string& what, int64_t total) {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [what, total](int64_t examples, int64_t) {
    std::fprintf(stderr, "\r\x1b[K%s %lld/%lld", what.c_str(), static_cast<long long>(examples),
                 static_cast<long long>(total));
    if (examples == total) std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
  };
}

void CheckVocabulary(const data::Dataset& dataset, int64_t vocab_size, const text::Tokenizer& tokenizer,
                     const std::string& source) {
  for (int64_t i = 0; i < dataset.size(); ++i) {
    for (const int32_t id : dataset.ids(i)) {
      if (id < vocab_size) continue;
      Fail("{}: example {} holds '{}' (token {}), for which the model has no embedding row ({} rows)", source,
           i + 1, Printable(tokenizer.Decode(std::span(&id, 1), /*skip_special_tokens=*/false)), id,
           vocab_size);
    }
  }
}

}  // namespace gemtune::cli
