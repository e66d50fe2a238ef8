#pragma once

#include <string_view>

namespace gemtune::infer {

/// ROUGE-L (Lin 2004) of a text against its reference: how much of the longest common subsequence of words
/// each of them is.
struct RougeL {
  double precision = 0;  // of the text's words
  double recall = 0;     // of the reference's words
  double fmeasure = 0;   // their harmonic mean
};

/// As rouge_score's RougeScorer(["rougeL"], use_stemmer=False): words are runs of a-z and 0-9 after
/// lower-casing; everything else only separates them. Time is the product of the numbers of words.
RougeL ScoreRougeL(std::string_view reference, std::string_view text);

}  // namespace gemtune::infer
