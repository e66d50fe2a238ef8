#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::io {

/// CRC-32C (Castagnoli, RFC 3720), rotated and offset as TFRecord files have it.
uint32_t MaskedCrc32c(std::string_view bytes);

/// How many examples of a class are found and how many others are taken for it, at rising thresholds of the
/// probability in even steps over [0, 1].
struct PrCurve {
  std::vector<int64_t> true_positives, false_positives;  // with p >= threshold
  int64_t positives = 0, negatives = 0;
};

/// An event file, which TensorBoard reads: TFRecords of tensorflow.Event messages
/// (tensorflow/core/util/event.proto, tensorboard/compat/proto/summary.proto). Every event is flushed as it
/// is written, so that TensorBoard follows a run.
class EventFile {
 public:
  /// Its name is events.out.tfevents.<seconds>.<host>.<process>.gemtune, so that a later one of the same
  /// directory is read later. Throws Error if it cannot be written.
  explicit EventFile(const std::filesystem::path& directory);

  /// Tells TensorBoard that what earlier files of the directory have from `step` on did not happen: the run
  /// was resumed before it.
  void Restart(int64_t step);

  /// The methods below throw RunError if writing fails.
  void Scalar(const std::string& tag, int64_t step, double value);
  /// Markdown.
  void Text(const std::string& tag, std::string_view text);
  void AddPrCurve(const std::string& tag, int64_t step, const PrCurve& curve);

  /// Whether a file of this name is one of those.
  static bool IsName(const std::string& name);

 private:
  void Write(std::string_view event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace gemtune::io
