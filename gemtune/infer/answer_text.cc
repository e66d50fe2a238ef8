#include "gemtune/infer/answer_text.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace gemtune::infer {
namespace {

// Where the first stop string begins in `text`, or its longest end that could become one; npos: nowhere.
struct StopPlace {
  size_t begin = std::string::npos;
  bool is_whole = false;
};

StopPlace FindStop(std::string_view text, const std::vector<std::string>& stops) {
  StopPlace first;
  for (const std::string& stop : stops) {
    if (const size_t at = text.find(stop); at < first.begin) first = {at, true};
  }
  if (first.is_whole) return first;
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view end = text.substr(at);
    if (std::ranges::any_of(stops, [&](const std::string& stop) { return stop.starts_with(end); }))
      return {at, false};
  }
  return first;
}

}  // namespace

AnswerText::AnswerText(text::Tokenizer tokenizer, std::vector<std::string> stops)
    : decoder_(std::move(tokenizer)), stops_(std::move(stops)) {}

std::string AnswerText::Add(int32_t id) {
  return Show(decoder_.Add(id), /*is_end=*/false);
}

std::string AnswerText::Finish() {
  return is_stopped_ ? "" : Show(decoder_.Finish(), /*is_end=*/true);
}

std::string AnswerText::Show(const std::string& more, bool is_end) {
  held_ += more;
  const StopPlace place = FindStop(held_, stops_);
  is_stopped_ = place.is_whole;
  const size_t size = place.is_whole || !is_end ? std::min(place.begin, held_.size()) : held_.size();
  std::string shown = held_.substr(0, size);
  held_.erase(0, size);
  text_ += shown;
  return shown;
}

}  // namespace gemtune::infer
