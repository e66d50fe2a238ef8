#include "gemtune/text/vocabulary.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <utility>

#include "tests/support/message_of.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ScoresFault(const std::function<void(ScoredPieces*)>& change) {
  ScoredPieces scored = TinyPieces();
  change(&scored);
  return MessageOf([&] { CheckVocabulary(VocabularyFromScores(std::move(scored), "f"), "f"); });
}

TEST(PieceIndex, FindsPiecesAndNothingElse) {
  std::vector<std::string> pieces;
  pieces.reserve(5000);
  for (int i = 0; i < 5000; ++i) pieces.push_back(fmt::format("p{}", i));
  const PieceIndex index(pieces, "f");
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(index.Find(pieces[i]), i);
  for (int i = 5000; i < 10000; ++i) EXPECT_EQ(index.Find(fmt::format("p{}", i)), kNoId);
  EXPECT_EQ(index.Find(""), kNoId);
  EXPECT_EQ(PieceIndex({}, "f").Find("a"), kNoId);
}

TEST(PieceIndex, RefusesPiecesThatAreNone) {
  const auto fault = [](const std::vector<std::string>& pieces) {
    return MessageOf([&] { PieceIndex(pieces, "f"); });
  };
  EXPECT_EQ(fault({"a", "b", "a"}), "f: 'a' occurs twice, as token 0 and 2");
  EXPECT_EQ(fault({"a", ""}), "f: token 1 is empty");
  EXPECT_EQ(fault({"a", "\xff\x1b"}), "f: token 1 ('\\xff\\x1b') is not UTF-8");
}

TEST(VocabularyFromScores, MakesTheMergesOfHuggingFace) {
  const Vocabulary vocabulary = VocabularyFromScores(TinyPieces(), "f");
  const auto golden = nlohmann::json::parse(ReadFile(kTiny / "tokenizer.json"));
  std::vector<std::vector<std::string>> merges;
  for (const Merge& merge : vocabulary.merges) {
    merges.push_back({vocabulary.pieces[merge.left], vocabulary.pieces[merge.right]});
    EXPECT_EQ(merges.back()[0] + merges.back()[1], vocabulary.pieces[merge.merged]);
  }
  EXPECT_EQ(merges, golden["model"]["merges"].get<std::vector<std::vector<std::string>>>());

  auto expected = golden["added_tokens"];
  expected.erase(expected.size() - 1);  // <image_soft_token> is not among the pieces
  ASSERT_EQ(vocabulary.added_tokens.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(vocabulary.added_tokens[i].id, expected[i]["id"]);
    EXPECT_EQ(vocabulary.added_tokens[i].content, expected[i]["content"].get<std::string>());
    EXPECT_EQ(vocabulary.added_tokens[i].special, expected[i]["special"]) << expected[i];
  }
}

// As llama.cpp writes them: runs of spaces as spaces, added tokens with a score of their own, rows filled up.
TEST(VocabularyFromScores, UndoesWhatGgufChanges) {
  const Vocabulary plain = VocabularyFromScores(TinyPieces(), "f");
  ScoredPieces scored = TinyPieces();
  for (size_t i = 0; i < scored.pieces.size(); ++i) {
    if (scored.types[i] == PieceType::kNormal || scored.types[i] == PieceType::kByte) continue;
    scored.types[i] = PieceType::kControl;
    scored.scores[i] = -1000;
    if (scored.pieces[i].starts_with("▁▁")) scored.pieces[i] = std::string(scored.pieces[i].size() / 3, ' ');
  }
  for (int i = 0; i < 3; ++i) {
    scored.pieces.push_back(fmt::format("[PAD{}]", i));
    scored.scores.push_back(-1000);
    scored.types.push_back(PieceType::kUnused);
  }
  const Vocabulary changed = VocabularyFromScores(scored, "f");
  EXPECT_EQ(changed.pieces, plain.pieces);
  ASSERT_EQ(changed.merges.size(), plain.merges.size());
  for (size_t i = 0; i < plain.merges.size(); ++i) {
    EXPECT_EQ(changed.merges[i].left, plain.merges[i].left);
    EXPECT_EQ(changed.merges[i].right, plain.merges[i].right);
  }
  ASSERT_EQ(changed.added_tokens.size(), plain.added_tokens.size());
  for (size_t i = 0; i < plain.added_tokens.size(); ++i) {
    EXPECT_EQ(changed.added_tokens[i].content, plain.added_tokens[i].content);
    EXPECT_EQ(changed.added_tokens[i].special, plain.added_tokens[i].special);
  }
}

TEST(VocabularyFromScores, FindsTheUnknownTokenByItsType) {
  ScoredPieces scored = TinyPieces();
  scored.unk_id = kNoId;
  EXPECT_EQ(VocabularyFromScores(scored, "f").unk_id, 3);
}

TEST(VocabularyFromScores, RefusesWhatIsNoVocabulary) {
  EXPECT_THAT(ScoresFault([](auto* s) { s->scores[9] = NAN; }), HasSubstr("f: token 9 has no finite score"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->scores[9] = -INFINITY; }),
              HasSubstr("f: token 9 has no finite score"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->pieces[9] = ""; }), HasSubstr("token 9 is empty"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->pieces[9] = s->pieces[5]; }), HasSubstr("occurs twice"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->types[9] = PieceType::kUnused; }),
              HasSubstr("token 9 is of type 'unused'"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->pieces[30] = "<0xG0>"; }), HasSubstr("no token for each byte"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->bos_id = 100000; }), HasSubstr("the bos token's id 100000"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->eos_id = -2; }), HasSubstr("the eos token's id -2"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->pad_id = 1 << 30; }), HasSubstr("the pad token's id"));
  EXPECT_THAT(ScoresFault([](auto* s) { s->unk_id = 100000; }), HasSubstr("no token for unknown text"));
  EXPECT_THAT(ScoresFault([](auto* s) { *s = {}; }), HasSubstr("not a Gemma tokenizer"));
  // All ways to cut it are looked up, and its spaces are replaced: quadratic both.
  EXPECT_THAT(ScoresFault([](auto* s) { s->pieces[9] = std::string(size_t{100} << 20, ' '); }),
              HasSubstr("token 9 is longer than 1024 bytes"));
}

TEST(VocabularyFromScores, RefusesMergesWithBytes) {
  const auto with = [](const std::string& piece, const std::string& part) {
    return ScoresFault([&](ScoredPieces* s) {
      for (const std::string& p : {piece, part}) {
        s->pieces.push_back(p);
        s->scores.push_back(-900);
        s->types.push_back(PieceType::kNormal);
      }
    });
  };
  EXPECT_THAT(with("<0x41>a", "x"), HasSubstr("merges with '<0x41>' are not supported"));
  EXPECT_THAT(with("<0x4", "1>"), HasSubstr("merges with '<0x41>' are not supported"));
}

TEST(MakeTemplate, PutsTokensAroundEachText) {
  const SpecialTokensTemplate both = MakeTemplate(2, 1);
  EXPECT_THAT(both.single_before, ElementsAre(2));
  EXPECT_THAT(both.single_after, ElementsAre(1));
  EXPECT_THAT(both.pair_before, ElementsAre(2));
  EXPECT_THAT(both.pair_between, ElementsAre(1, 2));
  EXPECT_THAT(both.pair_after, ElementsAre(1));
  const SpecialTokensTemplate bos = MakeTemplate(2, kNoId);
  EXPECT_THAT(bos.single_after, IsEmpty());
  EXPECT_THAT(bos.pair_between, ElementsAre(2));
  EXPECT_THAT(MakeTemplate(kNoId, kNoId).pair_between, IsEmpty());
}

TEST(CheckVocabulary, BoundsAddedTokens) {
  Vocabulary vocabulary = VocabularyFromScores(TinyPieces(), "f");
  const auto id = static_cast<int32_t>(VocabularySize(vocabulary));
  vocabulary.added_tokens.push_back({.id = id, .content = std::string(1025, 'a')});
  EXPECT_THAT(MessageOf([&] { CheckVocabulary(vocabulary, "f"); }), HasSubstr("is longer than 1024 bytes"));
}

TEST(CheckVocabulary, HoldsAddedTokensToThePieces) {
  const Vocabulary good = VocabularyFromScores(TinyPieces(), "f");
  const auto size = static_cast<int32_t>(good.pieces.size());
  const auto fault = [&](const std::vector<AddedToken>& tokens) {
    Vocabulary wrong = good;
    wrong.added_tokens = tokens;
    return MessageOf([&] { CheckVocabulary(wrong, "f"); });
  };
  EXPECT_THAT(fault({{4, "<unk>"}}), HasSubstr("added token '<unk>' has the id 4 of '<mask>'"));
  EXPECT_THAT(fault({{size + 1, "<new>"}}), HasSubstr("added token '<new>' has the id"));
  EXPECT_THAT(fault({{size, "<new>"}, {size, "<newer>"}}), HasSubstr("twice"));
  EXPECT_THAT(fault({{size, "<new>"}, {size + 1, "<new>"}}), HasSubstr("twice"));
  EXPECT_THAT(fault({{size, ""}}), HasSubstr("is empty: remove it"));
  EXPECT_THAT(fault({{size, "hello"}}),
              HasSubstr("added token 'hello' has the id 365, but the vocabulary has it as token 288: save"));
  EXPECT_THAT(fault({{size, "\xff"}}), HasSubstr("is not UTF-8"));
  EXPECT_THAT(fault({{-1, "<new>"}}), HasSubstr("twice"));

  Vocabulary more = good;
  more.added_tokens.push_back({size, "<new>"});
  more.added_tokens.push_back({size + 1, "<newer>"});
  EXPECT_NO_THROW(CheckVocabulary(more, "f"));
  EXPECT_EQ(VocabularySize(more), size + 2);
  EXPECT_EQ(TokenText(more, size + 1), "<newer>");
  EXPECT_EQ(TokenText(more, size), "<new>");
  EXPECT_EQ(TokenText(more, 0), "<pad>");
  more.special_tokens.pair_between = {size + 2};
  EXPECT_THAT(MessageOf([&] { CheckVocabulary(more, "f"); }), HasSubstr("the template token's id"));
}

TEST(CheckVocabulary, RefusesNormalizedTokensThatAreOne) {
  const auto check = [](bool first, bool second) {
    Vocabulary both = VocabularyFromScores(TinyPieces(), "f");
    const auto size = static_cast<int32_t>(both.pieces.size());
    both.added_tokens.push_back({.id = size, .content = " foo", .normalized = first});
    both.added_tokens.push_back({.id = size + 1, .content = "\u2581foo", .normalized = second});
    CheckVocabulary(both, "f");
  };
  EXPECT_EQ(
      MessageOf([&] { check(true, true); }),
      "f: the added tokens ' foo' and '\\xe2\\x96\\x81foo' set 'normalized' and are the same once ' ' is "
      "U+2581, so that tokenizers picks one by chance: remove one, or let one not be normalized");
  EXPECT_NO_THROW(check(true, false));
  EXPECT_NO_THROW(check(false, true));
}

TEST(ScoresFromVocabulary, GiveTheSameVocabularyAgain) {
  const ScoredPieces tiny = TinyPieces();
  const Vocabulary vocabulary = VocabularyFromScores(tiny, "f");
  const ScoredPieces scored = ScoresFromVocabulary(vocabulary);
  EXPECT_EQ(scored.pieces, tiny.pieces);
  EXPECT_EQ(scored.bos_id, 2);
  EXPECT_EQ(scored.eos_id, 1);
  EXPECT_EQ(scored.pad_id, 0);
  EXPECT_EQ(scored.unk_id, 3);
  EXPECT_TRUE(scored.add_bos);
  EXPECT_FALSE(scored.add_eos);
  EXPECT_EQ(scored.types[0], PieceType::kControl);
  EXPECT_EQ(scored.types[3], PieceType::kUnknown);
  size_t added = 0;
  for (size_t id = 0; id < tiny.types.size(); ++id) {
    const bool is_added = tiny.types[id] == PieceType::kUserDefined || tiny.pieces[id] == "<mask>";
    added += is_added ? 1 : 0;
    EXPECT_EQ(scored.types[id] == PieceType::kUserDefined, is_added) << id;
    EXPECT_EQ(scored.types[id] == PieceType::kByte, tiny.types[id] == PieceType::kByte) << id;
  }
  EXPECT_GT(added, 0u);
  Vocabulary tuned = vocabulary;  // as of an instruction-tuned model
  tuned.eos_id = 7;
  ASSERT_EQ(tuned.pieces[7], "<end_of_turn>");
  EXPECT_EQ(ScoresFromVocabulary(tuned).eos_id, 1);
  EXPECT_EQ(ScoresFromVocabulary(tuned).types[7], PieceType::kUserDefined);
  const Vocabulary again = VocabularyFromScores(scored, "f");
  EXPECT_EQ(again.added_tokens.size(), vocabulary.added_tokens.size());
  ASSERT_EQ(again.merges.size(), vocabulary.merges.size());
  for (size_t rank = 0; rank < again.merges.size(); ++rank) {
    EXPECT_EQ(again.merges[rank].left, vocabulary.merges[rank].left) << rank;
    EXPECT_EQ(again.merges[rank].right, vocabulary.merges[rank].right) << rank;
  }
}

TEST(Normalize, MakesSpacesSymbols) {
  EXPECT_EQ(Normalize(""), "");
  EXPECT_EQ(Normalize(" a  b\n\t\u00a0\u3000\u2581"), "\u2581a\u2581\u2581b\n\t\u00a0\u3000\u2581");
}

TEST(CheckMerges, RefusesListsThatAreNotOfScores) {
  const Vocabulary good = VocabularyFromScores(TinyPieces(), "f");
  const PieceIndex index(good.pieces, "f");
  EXPECT_NO_THROW(CheckMerges(good, index, "f"));
  const auto fault = [&](const std::function<void(std::vector<Merge>*)>& change) {
    Vocabulary wrong = good;
    change(&wrong.merges);
    return MessageOf([&] { CheckMerges(wrong, index, "f"); });
  };
  const std::string incomplete = "merges where its vocabulary allows";
  EXPECT_THAT(fault([](auto* m) { m->pop_back(); }), HasSubstr(incomplete));
  EXPECT_THAT(fault([](auto* m) { m->clear(); }), HasSubstr(incomplete));
  EXPECT_THAT(fault([](auto* m) { m->back() = m->front(); }), HasSubstr(incomplete));
  EXPECT_THAT(fault([](auto* m) { m->push_back(m->back()); }), HasSubstr(incomplete));
  // "haha" is made in two ways, one of them moved to the end.
  EXPECT_THAT(fault([&](auto* m) {
                const auto haha = index.Find("haha");
                const auto first = std::ranges::find(*m, haha, &Merge::merged);
                std::rotate(first, first + 1, m->end());
              }),
              HasSubstr("the merges that make 'haha' are not next to each other"));
}

TEST(ByteOfPiece, ReadsTwoUpperCaseDigits) {
  EXPECT_EQ(ByteOfPiece("<0x00>"), 0);
  EXPECT_EQ(ByteOfPiece("<0xFF>"), 255);
  EXPECT_EQ(ByteOfPiece("<0x1A>"), 26);
  for (const char* piece :
       {"<0xff>", "<0x0>", "<0x000>", "0x00", "<0x0G>", "<0x-1>", "", "<0x00", "a<0x00>"}) {
    EXPECT_EQ(ByteOfPiece(piece), kNoId) << piece;
  }
}

}  // namespace
}  // namespace gemtune::text
