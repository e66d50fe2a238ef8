#include "gemtune/text/bpe.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "gemtune/text/utf8.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

// Hugging Face's algorithm word for word: again and again the best pair of neighbours, the leftmost of
// equals.
std::vector<int32_t> PlainBpe(const Vocabulary& vocabulary, std::string_view text) {
  const PieceIndex index(vocabulary.pieces, "");
  std::vector<int32_t> ids;
  for (size_t at = 0; at < text.size(); at += Utf8Length(text[at])) {
    const std::string_view character = text[at] == ' ' ? kSpaceSymbol : text.substr(at, Utf8Length(text[at]));
    if (const int32_t id = index.Find(character); id != kNoId) {
      ids.push_back(id);
    } else {
      for (const char byte : character) {
        ids.push_back(index.Find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte))));
      }
    }
  }
  for (;;) {
    size_t best_rank = vocabulary.merges.size(), best_at = 0;
    for (size_t at = 0; at + 1 < ids.size(); ++at) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (vocabulary.merges[rank].left == ids[at] && vocabulary.merges[rank].right == ids[at + 1]) {
          best_rank = rank;
          best_at = at;
        }
      }
    }
    if (best_rank == vocabulary.merges.size()) return ids;
    ids[best_at] = vocabulary.merges[best_rank].merged;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best_at) + 1);
  }
}

std::vector<int32_t> Encode(const Bpe& bpe, std::string_view text) {
  std::vector<int32_t> ids;
  bpe.Encode(text, &ids);
  return ids;
}

// Texts of the tiny tokenizer's own pieces and characters, cut at random.
class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}
  std::string Next() {
    std::string text;
    for (size_t i = 0, count = random_() % 8; i < count; ++i) {
      const std::string& piece = pieces_[random_() % pieces_.size()];
      if (piece.starts_with('<') || piece.starts_with('\n')) continue;
      text += random_() % 4 == 0 ? piece.substr(0, Utf8Length(piece[0])) : piece;
      if (random_() % 4 == 0) text += ' ';
    }
    return text;
  }

 private:
  std::vector<std::string> pieces_ = TinyPieces().pieces;
  std::mt19937 random_;
};

TEST(Bpe, AgreesWithThePlainAlgorithm) {
  const Vocabulary vocabulary = VocabularyFromScores(TinyPieces(), "f");
  const Bpe bpe(vocabulary, "f");
  Texts texts(11);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = texts.Next();
    ASSERT_EQ(Encode(bpe, text), PlainBpe(vocabulary, text)) << text;
    ASSERT_EQ(Encode(bpe, text), PlainBpe(vocabulary, text)) << "the second time: " << text;
  }
}

TEST(Bpe, JoinsWordsWhereAPieceGoesOverTheirEnd) {
  ScoredPieces scored = TinyPieces();
  const auto add = [&](const std::string& piece, float score) {
    scored.pieces.push_back(piece);
    scored.scores.push_back(score);
    scored.types.push_back(PieceType::kNormal);
  };
  add("é▁", -0.5F);
  add("é▁the", -0.25F);
  add("r.", -0.75F);
  const Vocabulary vocabulary = VocabularyFromScores(scored, "f");
  const Bpe bpe(vocabulary, "f");
  for (const char* text : {"é the", "éé the", "é  the", "a the", "あ the", "er. r .", "日 the", "> </ >a"}) {
    EXPECT_EQ(Encode(bpe, text), PlainBpe(vocabulary, text)) << text;
  }
  EXPECT_EQ(Encode(bpe, "é the").size(), 1u);
}

TEST(Bpe, AppendsAndTakesNothingForNothing) {
  const Bpe bpe(VocabularyFromScores(TinyPieces(), "f"), "f");
  std::vector<int32_t> ids = {7};
  bpe.Encode("", &ids);
  EXPECT_EQ(ids, std::vector<int32_t>{7});
  bpe.Encode("a", &ids);
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0], 7);
}

TEST(Bpe, GivesTheSameFromSeveralThreadsAtOnce) {
  const Vocabulary vocabulary = VocabularyFromScores(TinyPieces(), "f");
  const Bpe shared(vocabulary, "f"), alone(vocabulary, "f");
  std::vector<std::string> texts;
  std::vector<std::vector<int32_t>> expected;
  Texts source(5);
  for (int i = 0; i < 2000; ++i) {
    texts.push_back(source.Next());
    expected.push_back(Encode(alone, texts.back()));
  }
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  threads.reserve(wrong.size());
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < texts.size(); ++i) count += Encode(shared, texts[i]) == expected[i] ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

// A quadratic algorithm takes minutes here.
TEST(Bpe, TakesLongTexts) {
  const Bpe bpe(VocabularyFromScores(TinyPieces(), "f"), "f");
  constexpr size_t kSize = 1 << 20;
  EXPECT_EQ(Encode(bpe, std::string(kSize, 'a')).size(), kSize / 4);  // "aaaa"
  EXPECT_EQ(Encode(bpe, std::string(kSize, ' ')).size(), (kSize + 5) / 6);
  EXPECT_EQ(Encode(bpe, std::string(kSize, 'x')).size(), kSize);  // bytes
  std::string characters;
  while (characters.size() < kSize) characters += "日";
  EXPECT_EQ(Encode(bpe, characters).size(), characters.size() / 3);
}

}  // namespace
}  // namespace gemtune::text
