#include "gemtune/text/tokenizer_json.h"

#include <gmock/gmock.h>

#include <functional>

#include "tests/support/message_of.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

using ::gemtune::test::MessageOf;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

json TinyJson() {
  return json::parse(ReadFile(kTiny / "tokenizer.json"));
}

Vocabulary ParseTiny(const std::function<void(json*)>& change) {
  json tokenizer = TinyJson();
  change(&tokenizer);
  return ParseTokenizerJson(tokenizer.dump(), "f");
}

std::string JsonFault(const std::function<void(json*)>& change) {
  return MessageOf([&] { ParseTiny(change); });
}

void ExpectSame(const Vocabulary& a, const Vocabulary& b) {
  EXPECT_EQ(a.pieces, b.pieces);
  ASSERT_EQ(a.merges.size(), b.merges.size());
  for (size_t i = 0; i < a.merges.size(); ++i) {
    EXPECT_EQ(std::tie(a.merges[i].left, a.merges[i].right, a.merges[i].merged),
              std::tie(b.merges[i].left, b.merges[i].right, b.merges[i].merged));
  }
  ASSERT_EQ(a.added_tokens.size(), b.added_tokens.size());
  for (size_t i = 0; i < a.added_tokens.size(); ++i) {
    const auto all = [](const AddedToken& t) {
      return std::tie(t.id, t.content, t.special, t.single_word, t.lstrip, t.rstrip, t.normalized);
    };
    EXPECT_EQ(all(a.added_tokens[i]), all(b.added_tokens[i]));
  }
  EXPECT_EQ(a.unk_id, b.unk_id);
  EXPECT_EQ(a.special_tokens.single_before, b.special_tokens.single_before);
  EXPECT_EQ(a.special_tokens.single_after, b.special_tokens.single_after);
  EXPECT_EQ(a.special_tokens.pair_before, b.special_tokens.pair_before);
  EXPECT_EQ(a.special_tokens.pair_between, b.special_tokens.pair_between);
  EXPECT_EQ(a.special_tokens.pair_after, b.special_tokens.pair_after);
}

TEST(ParseTokenizerJson, ReadsWhatTransformersWrote) {
  const Vocabulary parsed = ParseTokenizerJson(ReadFile(kTiny / "tokenizer.json"), "f");
  Vocabulary expected = VocabularyFromScores(TinyPieces(), "f");
  expected.added_tokens.push_back(
      {.id = static_cast<int32_t>(expected.pieces.size()), .content = "<image_soft_token>", .special = true});
  ExpectSame(parsed, expected);
}

TEST(ParseTokenizerJson, ReadsMergesAsTextsToo) {
  const Vocabulary texts = ParseTiny([](json* t) {
    for (json& merge : (*t)["model"]["merges"])
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  });
  ExpectSame(texts, ParseTiny([](json*) {}));
}

TEST(ParseTokenizerJson, TakesThePartsInAnyOrder) {
  const json tiny = TinyJson();
  const std::string reversed = "{\"model\":{\"merges\":" + tiny["model"]["merges"].dump() +
                               ",\"vocab\":" + tiny["model"]["vocab"].dump() +
                               R"(,"byte_fallback":true,"unk_token":"<unk>","type":"BPE"},"decoder":)" +
                               tiny["decoder"].dump() + ",\"normalizer\":" + tiny["normalizer"].dump() +
                               ",\"post_processor\":" + tiny["post_processor"].dump() +
                               ",\"added_tokens\":" + tiny["added_tokens"].dump() + "}";
  ExpectSame(ParseTokenizerJson(reversed, "f"), ParseTiny([](json*) {}));
}

TEST(ParseTokenizerJson, ReadsTemplates) {
  const Vocabulary eos = ParseTiny([](json* t) {
    const json bos = {{"SpecialToken", {{"id", "<bos>"}, {"type_id", 0}}}};
    const json end = {{"SpecialToken", {{"id", "end"}, {"type_id", 0}}}};
    const json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
               b = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
    (*t)["post_processor"]["single"] = {bos, bos, a, end};
    (*t)["post_processor"]["pair"] = {a, end, bos, b, end};
    (*t)["post_processor"]["special_tokens"]["end"] = {
        {"id", "end"}, {"ids", {1, 7}}, {"tokens", {"<eos>", "x"}}};
  });
  EXPECT_THAT(eos.special_tokens.single_before, ElementsAre(2, 2));
  EXPECT_THAT(eos.special_tokens.single_after, ElementsAre(1, 7));
  EXPECT_THAT(eos.special_tokens.pair_before, IsEmpty());
  EXPECT_THAT(eos.special_tokens.pair_between, ElementsAre(1, 7, 2));
  EXPECT_THAT(eos.special_tokens.pair_after, ElementsAre(1, 7));
  const Vocabulary none = ParseTiny([](json* t) { (*t)["post_processor"] = nullptr; });
  EXPECT_THAT(none.special_tokens.single_before, IsEmpty());
}

TEST(ParseTokenizerJson, RefusesTemplatesOfAnotherShape) {
  const auto fault = [](const json& single) {
    return JsonFault([&](json* t) { (*t)["post_processor"]["single"] = single; });
  };
  const json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
             b = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  const json other = {{"SpecialToken", {{"id", "<other>"}, {"type_id", 0}}}};
  for (const json& single : {json::array(), json::array({b}), json::array({a, a}), json::array({a, b}),
                             json::array({a, other}), json::array({a, json()}), json("A"), json()}) {
    EXPECT_THAT(fault(single), HasSubstr("its post_processor's template is not")) << single;
  }
  EXPECT_THAT(JsonFault([](json* t) { (*t)["post_processor"]["special_tokens"]["<bos>"]["ids"] = {-1}; }),
              HasSubstr("template"));
  // A thousand times a thousand ids around every text.
  EXPECT_THAT(JsonFault([](json* t) {
                json& bos = (*t)["post_processor"]["single"][0];
                (*t)["post_processor"]["single"] = std::vector<json>(1000, bos);
                (*t)["post_processor"]["special_tokens"]["<bos>"]["ids"] = std::vector<int>(1000, 2);
              }),
              HasSubstr("template"));
  EXPECT_THAT(JsonFault([](json* t) { (*t)["post_processor"]["type"] = "ByteLevel"; }),
              HasSubstr("is not a template"));
}

TEST(ParseTokenizerJson, RefusesTokenizersOfAnotherKind) {
  const auto set = [](const char* pointer, const json& value) {
    return JsonFault([&](json* t) { (*t)[json::json_pointer(pointer)] = value; });
  };
  EXPECT_THAT(set("/model/type", "Unigram"), HasSubstr("f: not a Gemma tokenizer: its model is not BPE"));
  EXPECT_THAT(set("/model/byte_fallback", false), HasSubstr("fall back to bytes"));
  EXPECT_THAT(set("/model/ignore_merges", true), HasSubstr("ignore_merges"));
  EXPECT_THAT(set("/model/dropout", 0.1), HasSubstr("dropout"));
  EXPECT_THAT(set("/model/continuing_subword_prefix", "##"), HasSubstr("marks parts of words"));
  EXPECT_THAT(set("/model/end_of_word_suffix", "</w>"), HasSubstr("marks parts of words"));
  EXPECT_THAT(set("/normalizer", nullptr), HasSubstr("its normalizer"));
  EXPECT_THAT(set("/normalizer/content", "_"), HasSubstr("its normalizer"));
  EXPECT_THAT(set("/normalizer", {{"type", "NFKC"}}), HasSubstr("its normalizer"));
  EXPECT_THAT(set("/pre_tokenizer", {{"type", "ByteLevel"}}), HasSubstr("its pre_tokenizer"));
  EXPECT_THAT(set("/decoder", nullptr), HasSubstr("its decoder"));
  EXPECT_THAT(set("/decoder/decoders/1", {{"type", "Strip"}}), HasSubstr("its decoder"));
  EXPECT_THAT(set("/added_tokens/5/lstrip", 1),
              HasSubstr("'lstrip' of the added token '[multimodal]' is not"));
  EXPECT_NO_THROW(ParseTiny([](json* t) { (*t)["pre_tokenizer"] = nullptr; }));
}

TEST(ParseTokenizerJson, RefusesBrokenVocabularies) {
  const auto vocab = [](const std::function<void(json&)>& change) {
    return JsonFault([&](json* t) { change((*t)["model"]["vocab"]); });
  };
  EXPECT_THAT(vocab([](json& v) { v["new"] = 4000000000; }), HasSubstr("token 'new' has the id 4000000000"));
  EXPECT_THAT(vocab([](json& v) { v["new"] = 5; }), HasSubstr("two tokens have the id 5"));
  EXPECT_THAT(vocab([](json& v) { v["new"] = -1; }), HasSubstr("not laid out as a tokenizer.json"));
  EXPECT_THAT(vocab([](json& v) { v["new"] = "5"; }), HasSubstr("not laid out as a tokenizer.json"));
  EXPECT_THAT(vocab([](json& v) { v["new"] = json::array(); }),
              HasSubstr("not laid out as a tokenizer.json"));
  EXPECT_THAT(vocab([](json& v) { v["new"] = json::object(); }),
              HasSubstr("not laid out as a tokenizer.json"));
  EXPECT_THAT(vocab([](json& v) { v[""] = v.size(); }), HasSubstr("is empty"));
  EXPECT_THAT(vocab([](json& v) { v[std::string(1025, 'a')] = v.size(); }),
              HasSubstr("longer than 1024 bytes"));
  EXPECT_THAT(JsonFault([](json* t) { (*t)["model"].erase("vocab"); }), HasSubstr("merge 0"));
  EXPECT_THAT(JsonFault([](json* t) { (*t)["added_tokens"] = 3; }),
              HasSubstr("'added_tokens' is not a list"));
  EXPECT_THAT(JsonFault([](json* t) { (*t)["added_tokens"][3].erase("id"); }),
              HasSubstr("added token 3 has no id"));
  EXPECT_THAT(JsonFault([](json* t) { (*t)["added_tokens"][3]["id"] = 1ull << 40; }), HasSubstr("has no id"));
}

TEST(ParseTokenizerJson, RefusesBrokenMerges) {
  const auto merge = [](const json& value) {
    return JsonFault([&](json* t) { (*t)["model"]["merges"][9] = value; });
  };
  EXPECT_THAT(merge({"a", "qqq"}), HasSubstr("merge 9 ('a' and 'qqq')"));
  EXPECT_THAT(merge({"h", "i"}), HasSubstr("merge 9 ('h' and 'i')"));
  for (const json& value : {json("a"), json::array(), json({"a"}), json({"a", "b", "c"}), json(3), json(),
                            json({"a", 3}), json({"a", json::array({"b"})}), json::object()}) {
    EXPECT_THAT(merge(value), HasSubstr("not laid out as a tokenizer.json")) << value;
  }
  EXPECT_THAT(merge("a b c"), HasSubstr("merge 9"));
}

TEST(ParseTokenizerJson, RefusesWhatIsNotJson) {
  const auto fault = [](const std::string& text) {
    return MessageOf([&] { ParseTokenizerJson(text, "f"); });
  };
  for (const char* text :
       {"", "3", "[]", "{}", "null", "\"x\"", "{\"model\":[]}", "{\"model\":{\"vocab\":[]}}"}) {
    EXPECT_THAT(fault(text), StartsWith("f: ")) << text;
  }
  EXPECT_THAT(fault(std::string(100000, '[')), HasSubstr("not laid out"));
  const auto twice = R"({"model":{"vocab":{"a":0},"vocab":{"a":0}}})";
  EXPECT_THAT(fault(twice), HasSubstr("not laid out"));
  EXPECT_THAT(fault(R"({"model":{"type":"BPE"},"model":{}})"), HasSubstr("f: key 'model' occurs twice"));
}

TEST(ParseTokenizerJson, RefusesEveryCutFile) {
  const std::string text = ReadFile(kTiny / "tokenizer.json");
  for (size_t size = 0; size + 2 < text.size(); size += 7) {
    EXPECT_THAT(MessageOf([&] { ParseTokenizerJson(text.substr(0, size), "f"); }), HasSubstr("parse error"))
        << size;
  }
}

TEST(FormatTokenizerJson, IsReadAgain) {
  const Vocabulary vocabulary = ParseTiny([](json*) {});
  const std::string text = FormatTokenizerJson(vocabulary);
  ExpectSame(ParseTokenizerJson(text, "f"), vocabulary);
  EXPECT_EQ(json::parse(text), TinyJson());
  // The layout of tokenizers' Tokenizer.save.
  EXPECT_EQ(text, nlohmann::ordered_json::parse(text).dump(2));
}

TEST(FormatTokenizerJson, KeepsTheFlags) {
  const json sets = json::parse(ReadFile(kGolden / "added_tokens_golden.json"));
  for (const json& set : sets) {
    const Vocabulary vocabulary = ParseTiny([&](json* t) { (*t)["added_tokens"] = set["added_tokens"]; });
    EXPECT_EQ(json::parse(FormatTokenizerJson(vocabulary))["added_tokens"], set["added_tokens"]);
  }
  EXPECT_EQ(sets.size(), 4u);
}

}  // namespace
}  // namespace gemtune::text
