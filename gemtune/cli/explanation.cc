#include "gemtune/cli/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gemtune::cli {
namespace {

double Largest(const ShownExplanation& explanation) {
  double largest = 1e-30;
  for (const auto& piece : explanation.pieces) largest = std::max(largest, std::fabs(piece.contribution));
  return largest;
}

std::string Head(const ShownExplanation& explanation) {
  return fmt::format("{}{}{}logit {:.3f}, {:.3f} without the text", explanation.label,
                     explanation.score.empty() ? "" : " " + explanation.score,
                     explanation.label.empty() ? "" : "  ", explanation.logit, explanation.baseline_logit);
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// A text may hold commands to the terminal: control characters, also those from U+0080 to U+009F.
std::string Harmless(std::string_view text) {
  std::string harmless(text);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool follows_c2 = i > 0 && static_cast<unsigned char>(text[i - 1]) == 0xC2;
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) harmless[i] = ' ';
    if (follows_c2 && byte >= 0x80 && byte < 0xA0) harmless[i - 1] = harmless[i] = ' ';
  }
  return harmless;
}

constexpr const char* kPageHead =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
    "content=\"width=device-width\">\n<title>gemtune: what the texts contribute</title>\n<style>\n"
    ":root { color-scheme: light dark; font: 1rem/1.7 system-ui, sans-serif; }\n"
    "body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "h2 { font-size: 1rem; margin: 2rem 0 0.5rem; }\n"
    "p { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }\n"
    "span { border-radius: 0.2em; padding: 0.1em 0; }\n"
    "</style>\n<h1>What the texts contribute</h1>\n"
    "<p>Green speaks for the label, red against it. The numbers, shown under the pointer, add up to the "
    "change "
    "of the logit that the text makes.</p>\n";

}  // namespace

nlohmann::ordered_json ToJson(const ShownExplanation& explanation) {
  nlohmann::ordered_json tokens = nlohmann::ordered_json::array();
  for (const auto& piece : explanation.pieces)
    tokens.push_back({{"token", piece.text}, {"contribution", piece.contribution}});
  return {{"label", explanation.label},
          {"logit", explanation.logit},
          {"baseline_logit", explanation.baseline_logit},
          {"tokens", std::move(tokens)}};
}

std::string Colored(const ShownExplanation& explanation) {
  std::string text = Head(explanation) + "\n";
  const double largest = Largest(explanation);
  for (const auto& piece : explanation.pieces) {
    const double share = piece.contribution / largest;
    const int strength = static_cast<int>(std::lround(200 * std::fabs(share)));
    if (strength < 10) {
      text += Harmless(piece.text);
      continue;
    }
    // From white to green or red, below black letters.
    const int other = 255 - strength;
    text += share > 0 ? fmt::format("\x1b[30;48;2;{0};255;{0}m", other)
                      : fmt::format("\x1b[30;48;2;255;{0};{0}m", other);
    text += Harmless(piece.text) + "\x1b[0m";
  }
  return text + "\n";
}

std::string ExplanationPage(const std::vector<ShownExplanation>& explanations) {
  std::string page = kPageHead;
  for (const ShownExplanation& explanation : explanations) {
    page += fmt::format("<h2>{}</h2>\n<p>", Escaped(Head(explanation)));
    const double largest = Largest(explanation);
    for (const auto& piece : explanation.pieces) {
      const double share = piece.contribution / largest;
      page += fmt::format("<span title=\"{:+.4f}\" style=\"background:rgba({},{:.2f})\">{}</span>",
                          piece.contribution, share > 0 ? "0,160,60" : "220,40,40", 0.75 * std::fabs(share),
                          Escaped(piece.text));
    }
    page += "</p>\n";
  }
  return page + "</html>\n";
}

}  // namespace gemtune::cli
