#include "gemtune/io/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <protozero/pbf_writer.hpp>

#include "gemtune/base/error.h"

namespace gemtune::io {
namespace {

using protozero::pbf_writer;

// Fields of the messages.
constexpr uint32_t kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5,
                   kEventSessionLog = 7;
constexpr uint32_t kSessionStatus = 1, kSummaryValue = 1;
constexpr uint32_t kValueTag = 1, kValueSimple = 2, kValueTensor = 8, kValueMetadata = 9;
constexpr uint32_t kMetadataPlugin = 1, kPluginName = 1, kPluginContent = 2;
constexpr uint32_t kTensorType = 1, kTensorShape = 2, kTensorContent = 4, kTensorString = 8;
constexpr uint32_t kShapeDimension = 2, kDimensionSize = 1, kPrCurveThresholds = 2;
constexpr int32_t kSessionStart = 1, kFloat = 1, kString = 7;

constexpr std::string_view kPrefix = "events.out.tfevents.", kSuffix = ".gemtune";

constexpr std::array<uint32_t, 256> Crc32cTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    table[i] = crc;
  }
  return table;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <typename Number>
std::string_view BytesOf(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

// An event of this step whose other fields `fill` writes.
template <typename Fill>
std::string Event(int64_t step, Fill&& fill) {
  std::string bytes;
  pbf_writer event(bytes);
  event.add_double(kEventWallTime, Now());
  event.add_int64(kEventStep, step);
  fill(event);
  return bytes;
}

template <typename Fill>
std::string SummaryEvent(const std::string& tag, int64_t step, Fill&& fill) {
  return Event(step, [&](pbf_writer& event) {
    pbf_writer summary(event, kEventSummary);
    pbf_writer value(summary, kSummaryValue);
    value.add_string(kValueTag, tag);
    fill(value);
  });
}

void AddPlugin(pbf_writer& value, const char* name, const std::string& content) {
  pbf_writer metadata(value, kValueMetadata);
  pbf_writer plugin(metadata, kMetadataPlugin);
  plugin.add_string(kPluginName, name);
  plugin.add_bytes(kPluginContent, content);
}

void AddShape(pbf_writer& tensor, const std::vector<int64_t>& sizes) {
  pbf_writer shape(tensor, kTensorShape);
  for (const int64_t size : sizes) {
    pbf_writer dimension(shape, kShapeDimension);
    dimension.add_int64(kDimensionSize, size);
  }
}

float Ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0f : static_cast<float>(part) / static_cast<float>(whole);
}

}  // namespace

uint32_t MaskedCrc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = Crc32cTable();
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint8_t>(byte)) & 255];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

EventFile::EventFile(const std::filesystem::path& directory) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  std::filesystem::create_directories(directory);
  path_ = directory /
          fmt::format("{}{:010}.{}.{}{}", kPrefix, static_cast<int64_t>(Now()), host, ::getpid(), kSuffix);
  file_.open(path_, std::ios::binary);
  if (!file_) Fail("{}: cannot write", path_.string());
  Write(Event(0, [](pbf_writer& event) { event.add_string(kEventFileVersion, "brain.Event:2"); }));
}

bool EventFile::IsName(const std::string& name) {
  return name.starts_with(kPrefix) && name.ends_with(kSuffix);
}

void EventFile::Write(std::string_view event) {
  const auto size = static_cast<uint64_t>(event.size());
  const uint32_t size_crc = MaskedCrc32c(BytesOf(size)), event_crc = MaskedCrc32c(event);
  file_ << BytesOf(size) << BytesOf(size_crc) << event << BytesOf(event_crc) << std::flush;
  if (!file_) throw RunError(fmt::format("{}: cannot write (disk full?)", path_.string()));
}

void EventFile::Restart(int64_t step) {
  Write(Event(step, [](pbf_writer& event) {
    pbf_writer session(event, kEventSessionLog);
    session.add_enum(kSessionStatus, kSessionStart);
  }));
}

void EventFile::Scalar(const std::string& tag, int64_t step, double value) {
  Write(SummaryEvent(tag, step,
                     [&](pbf_writer& out) { out.add_float(kValueSimple, static_cast<float>(value)); }));
}

void EventFile::Text(const std::string& tag, std::string_view text) {
  Write(SummaryEvent(tag, 0, [&](pbf_writer& value) {
    AddPlugin(value, "text", "");
    pbf_writer tensor(value, kValueTensor);
    tensor.add_enum(kTensorType, kString);
    AddShape(tensor, {1});
    tensor.add_bytes(kTensorString, text.data(), text.size());
  }));
}

// Rows as the plugin reads them: true and false positives, true and false negatives, precision, recall.
void EventFile::AddPrCurve(const std::string& tag, int64_t step, const PrCurve& curve) {
  const size_t thresholds = curve.true_positives.size();
  std::vector<float> rows(6 * thresholds);
  for (size_t i = 0; i < thresholds; ++i) {
    const int64_t right = curve.true_positives[i], wrong = curve.false_positives[i];
    const float of_threshold[] = {static_cast<float>(right),
                                  static_cast<float>(wrong),
                                  static_cast<float>(curve.negatives - wrong),
                                  static_cast<float>(curve.positives - right),
                                  Ratio(right, right + wrong),
                                  Ratio(right, curve.positives)};
    for (size_t row = 0; row < 6; ++row) rows[row * thresholds + i] = of_threshold[row];
  }
  std::string content;
  pbf_writer(content).add_uint32(kPrCurveThresholds, static_cast<uint32_t>(thresholds));
  Write(SummaryEvent(tag, step, [&](pbf_writer& value) {
    AddPlugin(value, "pr_curves", content);
    pbf_writer tensor(value, kValueTensor);
    tensor.add_enum(kTensorType, kFloat);
    AddShape(tensor, {6, static_cast<int64_t>(thresholds)});
    tensor.add_bytes(kTensorContent, reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float));
  }));
}

}  // namespace gemtune::io
