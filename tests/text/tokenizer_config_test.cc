#include "gemtune/text/tokenizer_config.h"

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

constexpr auto kJson = VocabularySource::kTokenizerJson;
constexpr auto kModel = VocabularySource::kSentencePiece;

Vocabulary Apply(const std::string& config, VocabularySource source = kJson) {
  Vocabulary vocabulary = VocabularyFromScores(TinyPieces(), "v");
  if (source == kJson) vocabulary.bos_id = vocabulary.eos_id = vocabulary.pad_id = kNoId;
  ApplyTokenizerConfig(config, "f", source, &vocabulary);
  return vocabulary;
}

std::string Fault(const std::string& config, VocabularySource source = kJson) {
  return MessageOf([&] { Apply(config, source); });
}

TEST(ApplyTokenizerConfig, FindsTheSpecialTokens) {
  const Vocabulary by_default = Apply("{}");
  EXPECT_EQ(by_default.bos_id, 2);
  EXPECT_EQ(by_default.eos_id, 1);
  EXPECT_EQ(by_default.pad_id, 0);
  const Vocabulary named =
      Apply(R"({"bos_token": {"content": "<mask>"}, "eos_token": "<end_of_turn>", "pad_token": null})");
  EXPECT_EQ(named.bos_id, 4);
  EXPECT_EQ(named.eos_id, 7);
  EXPECT_EQ(named.pad_id, kNoId);
  EXPECT_THAT(Fault(R"({"eos_token": "</s>"})"), HasSubstr("f: 'eos_token' is '</s>', which is not among"));
  EXPECT_THAT(Fault(R"({"eos_token": "hello"})"), HasSubstr("which is not among"));
  EXPECT_THAT(Fault(R"({"eos_token": 3})"), HasSubstr("'eos_token' is not a token"));
}

TEST(ApplyTokenizerConfig, FlagsCountBesideAModelOnly) {
  const std::string eos = R"({"add_bos_token": false, "add_eos_token": true, "eos_token": "<end_of_turn>"})";
  EXPECT_THAT(Apply(eos, kJson).special_tokens.single_before, ElementsAre(2));
  EXPECT_THAT(Apply(eos, kJson).special_tokens.single_after, IsEmpty());
  EXPECT_THAT(Apply(eos, kModel).special_tokens.single_before, IsEmpty());
  EXPECT_THAT(Apply(eos, kModel).special_tokens.single_after, ElementsAre(7));
  EXPECT_THAT(Apply("{}", kModel).special_tokens.single_before, ElementsAre(2));
  EXPECT_THAT(Fault(R"({"add_bos_token": 1})", kModel), HasSubstr("'add_bos_token' is not true or false"));
}

TEST(ApplyTokenizerConfig, ReadsTheChatTemplate) {
  EXPECT_EQ(Apply("{}").chat_template, std::nullopt);
  EXPECT_EQ(Apply(R"({"chat_template": null})").chat_template, std::nullopt);
  EXPECT_EQ(Apply(R"({"chat_template": "x\ny"})").chat_template, "x\ny");
  EXPECT_EQ(
      Apply(
          R"({"chat_template": [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]})")
          .chat_template,
      "d");
  EXPECT_EQ(Apply(R"({"chat_template": [{"name": "tools", "template": "t"}]})").chat_template, std::nullopt);
  EXPECT_THAT(Fault(R"({"chat_template": 3})"), HasSubstr("'chat_template' is not text"));
}

std::string Decoder(const std::function<void(json*)>& change) {
  json decoder = json::object();
  for (const AddedToken& token : VocabularyFromScores(TinyPieces(), "v").added_tokens) {
    decoder[std::to_string(token.id)] = {
        {"content", token.content}, {"special", token.special}, {"normalized", token.normalized}};
  }
  change(&decoder);
  return json{{"added_tokens_decoder", decoder}}.dump();
}

TEST(ApplyTokenizerConfig, AddsTokensToAModel) {
  const size_t pieces = TinyPieces().pieces.size();
  const Vocabulary vocabulary =
      Apply(json{{"added_tokens_decoder",
                  {{std::to_string(pieces), {{"content", "<new>"}, {"special", true}}},
                   {"5", {{"content", "[multimodal]"}, {"special", true}}}}}}
                .dump(),
            kModel);
  EXPECT_EQ(vocabulary.added_tokens.size(), VocabularyFromScores(TinyPieces(), "v").added_tokens.size() + 1);
  EXPECT_EQ(vocabulary.added_tokens.back().content, "<new>");
  EXPECT_TRUE(vocabulary.added_tokens[5].special);
  EXPECT_NO_THROW(CheckVocabulary(vocabulary, "v"));
  EXPECT_THAT(Fault(R"({"added_tokens_decoder": {"5": {"content": "<x>"}}})", kModel),
              HasSubstr("the added token '[multimodal]' (id 5) is not the same in tokenizer.model"));
}

TEST(ApplyTokenizerConfig, HoldsTheFilesToEachOther) {
  EXPECT_NO_THROW(Apply(Decoder([](json*) {})));
  const std::string differs = "is not the same in tokenizer.json: save both files again";
  EXPECT_THAT(Fault(Decoder([](json* d) { d->erase("5"); })), HasSubstr("'[multimodal]' (id 5) " + differs));
  EXPECT_THAT(Fault(Decoder([](json* d) {
                (*d)["9999"] = {{"content", "<x>"}};
              })),
              HasSubstr("'<x>' (id 9999) " + differs));
  EXPECT_THAT(Fault(Decoder([](json* d) { (*d)["5"]["content"] = "<x>"; })), HasSubstr(differs));
  EXPECT_THAT(Fault(Decoder([](json* d) { (*d)["5"]["lstrip"] = nullptr; })),
              HasSubstr("f: 'lstrip' of the added token '[multimodal]' is not true or false"));
  EXPECT_THAT(Fault(R"({"added_tokens_decoder": {"x": {"content": "<x>"}}})"),
              HasSubstr("'x' in 'added_tokens_decoder'"));
  EXPECT_THAT(Fault(R"({"added_tokens_decoder": {"-1": {"content": "<x>"}}})"), HasSubstr("'-1'"));
  EXPECT_THAT(Fault(R"({"added_tokens_decoder": {"99999999999": {}}})"), HasSubstr("'99999999999'"));
  EXPECT_THAT(Fault(R"({"added_tokens_decoder": 3})"), HasSubstr("'added_tokens_decoder'"));
}

TEST(ApplyTokenizerConfig, ItsFlagsOverrideThoseOfTokenizerJson) {
  Vocabulary vocabulary = VocabularyFromScores(TinyPieces(), "v");
  AddedToken& multimodal = vocabulary.added_tokens[5];
  multimodal.single_word = multimodal.lstrip = true;
  ApplyTokenizerConfig("{}", "f", kJson, &vocabulary);
  EXPECT_TRUE(vocabulary.added_tokens[5].single_word && vocabulary.added_tokens[5].lstrip);
  const auto decoder = Decoder([](json* d) {
    (*d)["5"]["rstrip"] = true;
    (*d)["6"] = {{"content", "<start_of_turn>"}};
  });
  ApplyTokenizerConfig(decoder, "f", kJson, &vocabulary);
  const AddedToken& changed = vocabulary.added_tokens[5];
  EXPECT_FALSE(changed.single_word || changed.lstrip || changed.normalized);
  EXPECT_TRUE(changed.rstrip);
  EXPECT_TRUE(vocabulary.added_tokens[6].normalized);  // by default, as it is not special there
}

TEST(ApplyTokenizerConfig, MakesWhatHasANameSpecial) {
  const auto is_special = [](const std::string& config) { return Apply(config).added_tokens[5].special; };
  EXPECT_FALSE(is_special("{}"));
  EXPECT_TRUE(is_special(R"({"image_token": "[multimodal]"})"));
  EXPECT_TRUE(is_special(R"({"unk_token": {"content": "[multimodal]"}})"));
  EXPECT_TRUE(is_special(R"({"extra_special_tokens": {"image_token": "[multimodal]"}})"));
  EXPECT_FALSE(is_special(R"({"extra_special_tokens": ["[multimodal]", {"content": "<eos>"}]})"));
  EXPECT_FALSE(is_special(R"({"image_token": null, "add_bos_token": true, "extra_special_tokens": null})"));
  for (const char* config : {R"({"image_token": "<x>"})", R"({"extra_special_tokens": {"x": "<x>"}})",
                             R"({"extra_special_tokens": ["<x>"]})",
                             R"({"additional_special_tokens": ["<eos>", {"content": "<x>"}]})"}) {
    EXPECT_THAT(
        Fault(config),
        HasSubstr(
            "names '<x>', which is not among the added tokens: save the tokenizer again with transformers"))
        << config;
  }
}

TEST(ApplyTokenizerConfig, RefusesWhatIsNotAnObject) {
  for (const char* text : {"", "[]", "3", "{", "\xff"}) EXPECT_THAT(Fault(text), HasSubstr("f: ")) << text;
}

TEST(FormatTokenizerConfig, SaysWhatWasApplied) {
  Vocabulary vocabulary = Apply(R"({"eos_token": "<end_of_turn>", "pad_token": null, "add_eos_token": true,
                                    "chat_template": "a\nb"})",
                                kModel);
  const std::string text = FormatTokenizerConfig(vocabulary);
  const Vocabulary again = Apply(text, kModel);
  EXPECT_EQ(again.bos_id, 2);
  EXPECT_EQ(again.eos_id, 7);
  EXPECT_EQ(again.pad_id, kNoId);
  EXPECT_EQ(again.chat_template, "a\nb");
  EXPECT_EQ(again.special_tokens.pair_between, vocabulary.special_tokens.pair_between);
  EXPECT_EQ(json::parse(text)["tokenizer_class"], "GemmaTokenizer");
}

}  // namespace
}  // namespace gemtune::text
