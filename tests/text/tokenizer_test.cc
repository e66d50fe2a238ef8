#include "gemtune/text/tokenizer.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "gemtune/base/parallel.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

namespace fs = std::filesystem;
using ::gemtune::test::MessageOf;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;
using nlohmann::json;

class TokenizerTest : public test::TempDir {
 protected:
  // The tiny tokenizer as a GGUF.
  fs::path WriteGguf(const std::optional<std::string>& chat_template = std::nullopt) {
    const ScoredPieces scored = TinyPieces();
    std::vector<int32_t> types;
    for (const PieceType type : scored.types) types.push_back(static_cast<int32_t>(type));
    test::GgufWriter writer;
    writer.Set("tokenizer.ggml.model", "llama")
        .Set("tokenizer.ggml.tokens", scored.pieces)
        .Set("tokenizer.ggml.scores", scored.scores)
        .Set("tokenizer.ggml.token_type", types)
        .Set("tokenizer.ggml.bos_token_id", uint32_t{2})
        .Set("tokenizer.ggml.eos_token_id", uint32_t{1})
        .Set("tokenizer.ggml.padding_token_id", uint32_t{0})
        .Set("tokenizer.ggml.unknown_token_id", uint32_t{3});
    if (chat_template) writer.Set("tokenizer.chat_template", *chat_template);
    writer.Write(dir_ / "m.gguf");
    return dir_ / "m.gguf";
  }

  fs::path CopyTiny() {
    fs::copy(kTiny, dir_ / "copy");
    return dir_ / "copy";
  }
};

void ExpectGoldenTexts(const Tokenizer& tokenizer, bool has_image_token) {
  size_t count = 0;
  for (const json& golden : TinyGolden("encode")) {
    const auto text = golden["text"].get<std::string>();
    if (!has_image_token && text.find("<image_soft_token>") != std::string::npos) continue;
    EXPECT_EQ(tokenizer.Encode(text), golden["ids"].get<Ids>()) << golden["text"];
    ++count;
  }
  EXPECT_GT(count, 90u);
}

TEST_F(TokenizerTest, GivesHuggingFacesIdsFromEachFormat) {
  ExpectGoldenTexts(Tokenizer::Load(kTiny), true);
  ExpectGoldenTexts(Tokenizer::Load(kTiny / "tokenizer.json"), true);
  ExpectGoldenTexts(Tokenizer::Load(kTinyModel), false);
  ExpectGoldenTexts(Tokenizer::Load(kTinyModel.parent_path()), false);
  ExpectGoldenTexts(Tokenizer::Load(WriteGguf()), false);
}

TEST_F(TokenizerTest, TruncatesAsTransformers) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  for (const json& golden : TinyGolden("truncated")) {
    EXPECT_EQ(tokenizer.Encode(golden["text"].get<std::string>(), {.max_length = golden["max_length"]}),
              golden["ids"].get<Ids>())
        << golden;
  }
}

TEST_F(TokenizerTest, JoinsAndTruncatesPairsAsTransformers) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  size_t count = 0;
  for (const char* set : {"pairs", "pairs_without_special"}) {
    for (const json& golden : TinyGolden(set)) {
      const EncodeOptions options = {.add_special_tokens = std::string_view(set) == "pairs",
                                     .max_length = golden["max_length"]};
      EXPECT_EQ(
          tokenizer.EncodePair(golden["text"].get<std::string>(), golden["pair"].get<std::string>(), options),
          golden["ids"].get<Ids>())
          << golden;
      ++count;
    }
  }
  EXPECT_GT(count, 400u);
}

TEST_F(TokenizerTest, RefusesAMaximumBelowTheSpecialTokens) {
  fs::path path = CopyTiny();
  json changed = json::parse(ReadFile(path / "tokenizer.json"));
  changed["post_processor"]["single"].push_back(changed["post_processor"]["single"][0]);
  std::ofstream(path / "tokenizer.json") << changed;
  const Tokenizer tokenizer = Tokenizer::Load(path);
  EXPECT_EQ(tokenizer.Encode("hello", {.max_length = 2}), (Ids{2, 2}));
  EXPECT_EQ(MessageOf([&] { tokenizer.Encode("hello", {.max_length = 1}); }),
            "a maximum length of 1 tokens leaves no room for the 2 special tokens: raise it");
  EXPECT_THAT(MessageOf([&] { tokenizer.EncodePair("a", "b", {.max_length = 1}); }), HasSubstr("no room"));
  EXPECT_EQ(tokenizer.Encode("hello", {.add_special_tokens = false, .max_length = 1}).size(), 1u);
}

TEST_F(TokenizerTest, DecodesAsTransformers) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  const json all = TinyGolden("decode");
  EXPECT_GT(all.size(), 200u);
  for (const json& golden : all) {
    EXPECT_EQ(tokenizer.Decode(golden["ids"].get<Ids>(), golden["skip"]), golden["text"].get<std::string>())
        << golden;
  }
  const auto size = static_cast<int32_t>(tokenizer.vocab_size());
  EXPECT_EQ(tokenizer.Decode(Ids{size - 1}, false), "<image_soft_token>");
  EXPECT_THAT(MessageOf([&] { tokenizer.Decode(Ids{size}, false); }), HasSubstr("is outside the vocabulary"));
  EXPECT_THAT(MessageOf([&] { tokenizer.Decode(Ids{-1}, true); }), HasSubstr("token id -1 is outside"));
}

// Tokens with all kinds of flags, among spaces, words and letters of several scripts.
TEST_F(TokenizerTest, FindsAddedTokensAsTransformers) {
  const json sets = json::parse(ReadFile(kGolden / "added_tokens_golden.json"));
  std::set<std::string> fingerprints;
  size_t count = 0;
  for (const json& set : sets) {
    json tokenizer_json = json::parse(ReadFile(kTiny / "tokenizer.json"));
    tokenizer_json["added_tokens"] = set["added_tokens"];
    std::ofstream(dir_ / "tokenizer.json") << tokenizer_json;
    const Tokenizer tokenizer = Tokenizer::Load(dir_);
    fingerprints.insert(tokenizer.fingerprint());
    for (const json& golden : set["cases"]) {
      const Ids ids = tokenizer.Encode(golden["text"].get<std::string>(), {.add_special_tokens = false});
      EXPECT_EQ(ids, golden["ids"].get<Ids>()) << golden;
      EXPECT_EQ(tokenizer.Decode(ids, false), golden["decoded"].get<std::string>()) << golden;
      EXPECT_EQ(tokenizer.Decode(ids, true), golden["without_special"].get<std::string>()) << golden;
      ++count;
    }
  }
  EXPECT_EQ(fingerprints.size(), 4u);
  EXPECT_GT(count, 300u);
}

TEST_F(TokenizerTest, SavesAddedTokensOfAModelWithTheirFlags) {
  const fs::path path = dir_ / "model";
  fs::create_directory(path);
  fs::copy(kTinyModel, path / "tokenizer.model");
  const auto size = static_cast<int32_t>(TinyPieces().pieces.size());
  const json token = {{"content", "<PROD>"}, {"lstrip", true}, {"normalized", true}};
  const json decoder = {{std::to_string(size), token}};
  std::ofstream(path / "tokenizer_config.json") << json{{"added_tokens_decoder", decoder}};
  const Tokenizer tokenizer = Tokenizer::Load(path);
  tokenizer.Save(dir_ / "saved");
  const Tokenizer saved = Tokenizer::Load(dir_ / "saved");
  EXPECT_EQ(saved.fingerprint(), tokenizer.fingerprint());
  EXPECT_EQ(saved.Encode("a\t<PROD>"), (Ids{2, 325, size}));
  EXPECT_EQ(tokenizer.Encode("a\t<PROD>"), saved.Encode("a\t<PROD>"));
}

TEST_F(TokenizerTest, ReadsDamagedTextAsReplacementCharacters) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  for (const json& golden : TinyGolden("damaged")) {
    std::string bytes;
    for (const int byte : golden["bytes"]) bytes += static_cast<char>(byte);
    EXPECT_EQ(tokenizer.Encode(bytes), tokenizer.Encode(golden["text"].get<std::string>())) << golden;
  }
}

TEST_F(TokenizerTest, EncodesBatchesInOrder) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  std::vector<std::string> owned;
  owned.reserve(300);
  for (int i = 0; i < 300; ++i) owned.push_back(std::string(i % 17, 'a') + " hello " + std::to_string(i));
  const std::vector<std::string_view> texts(owned.begin(), owned.end());
  const std::vector<std::string_view> pairs(owned.rbegin(), owned.rend());
  const EncodeOptions options = {.max_length = 20};
  for (const int threads : {1, 3}) {
    SetNumThreads(threads);
    const auto ids = tokenizer.EncodeBatch(texts, {}, options);
    const auto pair_ids = tokenizer.EncodeBatch(texts, pairs, options);
    ASSERT_EQ(ids.size(), texts.size());
    ASSERT_EQ(pair_ids.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(ids[i], tokenizer.Encode(texts[i], options));
      EXPECT_EQ(pair_ids[i], tokenizer.EncodePair(texts[i], pairs[i], options));
    }
  }
  SetNumThreads(0);
  EXPECT_TRUE(tokenizer.EncodeBatch({}, {}).empty());
  EXPECT_THAT(MessageOf([&] {
                tokenizer.EncodeBatch(texts, {}, {.max_length = 0});
                tokenizer.EncodeBatch(texts, pairs, {.max_length = 1});
              }),
              HasSubstr("no room"));
}

TEST_F(TokenizerTest, TellsItsIdsAndTemplate) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  EXPECT_EQ(tokenizer.bos_id(), 2);
  EXPECT_EQ(tokenizer.eos_id(), 1);
  EXPECT_EQ(tokenizer.pad_id(), 0);
  EXPECT_EQ(tokenizer.vocab_size(), static_cast<int64_t>(TinyPieces().pieces.size()) + 1);
  EXPECT_EQ(Tokenizer::Load(kTinyModel).vocab_size(), static_cast<int64_t>(TinyPieces().pieces.size()));
  EXPECT_EQ(tokenizer.chat_template(), "{{ bos_token }}{{ messages[0]['content'] }}");
  EXPECT_EQ(Tokenizer::Load(kTinyModel).chat_template(), std::nullopt);
  EXPECT_EQ(Tokenizer::Load(WriteGguf("{{ x }}")).chat_template(), "{{ x }}");
}

TEST_F(TokenizerTest, AFileOfItsOwnBeatsTheConfiguredChatTemplate) {
  const fs::path path = CopyTiny();
  std::ofstream(path / "chat_template.jinja") << "{{ own }}";
  EXPECT_EQ(Tokenizer::Load(path).chat_template(), "{{ own }}");
}

TEST_F(TokenizerTest, SavesFilesAsTheyWere) {
  const fs::path path = CopyTiny();
  std::ofstream(path / "chat_template.jinja") << "{{ own }}";
  std::ofstream(path / "unrelated.txt") << "x";
  const Tokenizer tokenizer = Tokenizer::Load(path);
  tokenizer.Save(dir_ / "saved");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}) {
    EXPECT_EQ(ReadFile(dir_ / "saved" / name), ReadFile(path / name)) << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "saved"), fs::directory_iterator()),
            4);          // and tokenizer.model
  tokenizer.Save(path);  // onto itself
  EXPECT_EQ(Tokenizer::Load(path).fingerprint(), tokenizer.fingerprint());
}

// What llama.cpp's convert_hf_to_gguf.py takes from the directory.
TEST_F(TokenizerTest, SavesATokenizerModelWithTheSameIds) {
  const fs::path path = CopyTiny();
  json config = json::parse(ReadFile(path / "tokenizer_config.json"));
  config.erase("added_tokens_decoder");  // as transformers 5 saves it
  std::ofstream(path / "tokenizer_config.json") << config;
  const Tokenizer tokenizer = Tokenizer::Load(path);
  tokenizer.Save(dir_ / "saved");
  json saved = json::parse(ReadFile(dir_ / "saved/tokenizer_config.json"));
  const json decoder = saved["added_tokens_decoder"];
  saved.erase("added_tokens_decoder");
  EXPECT_EQ(saved, config);
  const json added = json::parse(ReadFile(path / "tokenizer.json"))["added_tokens"];
  ASSERT_EQ(decoder.size(), added.size());
  for (const json& token : added) {
    const json& entry = decoder[std::to_string(token["id"].get<int>())];
    for (const char* member : {"content", "special", "lstrip", "rstrip", "normalized", "single_word"}) {
      EXPECT_EQ(entry[member], token[member]) << token;
    }
  }
  EXPECT_EQ(Tokenizer::Load(dir_ / "saved").fingerprint(), tokenizer.fingerprint());

  const Tokenizer alone = Tokenizer::Load(dir_ / "saved/tokenizer.model");
  ExpectGoldenTexts(alone, false);
}

TEST_F(TokenizerTest, CopiesATokenizerModelThatIsThere) {
  const fs::path path = CopyTiny();
  fs::copy(kTinyModel, path / "tokenizer.model");
  Tokenizer::Load(path).Save(dir_ / "saved");
  EXPECT_EQ(ReadFile(dir_ / "saved/tokenizer.model"), ReadFile(kTinyModel));
  fs::create_directory(dir_ / "model");
  fs::copy(kTinyModel, dir_ / "model/tokenizer.model");
  Tokenizer::Load(dir_ / "model").Save(dir_ / "from_model");
  EXPECT_EQ(ReadFile(dir_ / "from_model/tokenizer.model"), ReadFile(kTinyModel));
}

TEST_F(TokenizerTest, SavesAFileOfAnotherNameUnderItsOwn) {
  fs::copy(kTiny / "tokenizer.json", dir_ / "mine.json");
  const Tokenizer tokenizer = Tokenizer::Load(dir_ / "mine.json");
  EXPECT_EQ(tokenizer.eos_id(), 1);
  EXPECT_EQ(tokenizer.chat_template(), std::nullopt);
  tokenizer.Save(dir_ / "saved");
  EXPECT_EQ(ReadFile(dir_ / "saved/tokenizer.json"), ReadFile(kTiny / "tokenizer.json"));
}

TEST_F(TokenizerTest, DoesNotSaveFilesThatChanged) {
  const fs::path path = CopyTiny();
  const Tokenizer tokenizer = Tokenizer::Load(path);
  std::ofstream(path / "tokenizer.json", std::ios::app) << " ";
  EXPECT_THROW(tokenizer.Save(dir_ / "saved"), RunError);
}

TEST_F(TokenizerTest, SavesWhatItMadeOfOtherFormats) {
  const json expected = json::parse(ReadFile(kTiny / "tokenizer.json"));
  const fs::path gguf = WriteGguf("{{ x }}");
  for (const fs::path& source : {gguf, kTinyModel}) {
    const Tokenizer tokenizer = Tokenizer::Load(source);
    tokenizer.Save(dir_ / "saved");
    const json made = json::parse(ReadFile(dir_ / "saved/tokenizer.json"));
    EXPECT_EQ(made["model"], expected["model"]);
    EXPECT_EQ(made["post_processor"], expected["post_processor"]);
    const Tokenizer again = Tokenizer::Load(dir_ / "saved");
    EXPECT_EQ(again.fingerprint(), tokenizer.fingerprint());
    EXPECT_EQ(again.chat_template(), tokenizer.chat_template());
    EXPECT_EQ(again.bos_id(), tokenizer.bos_id());
    EXPECT_EQ(again.eos_id(), tokenizer.eos_id());
    EXPECT_EQ(again.pad_id(), tokenizer.pad_id());
    ExpectGoldenTexts(again, false);
  }
}

TEST_F(TokenizerTest, FingerprintsTellWhatGivesOtherIds) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  EXPECT_EQ(tokenizer.fingerprint().size(), 32u);
  EXPECT_EQ(Tokenizer::Load(kTiny / "tokenizer.json").fingerprint(), tokenizer.fingerprint());
  EXPECT_EQ(Tokenizer::Load(kTinyModel).fingerprint(), Tokenizer::Load(WriteGguf()).fingerprint());
  EXPECT_NE(Tokenizer::Load(kTinyModel).fingerprint(), tokenizer.fingerprint());  // lacks <image_soft_token>
  const fs::path path = CopyTiny();
  const auto changed = [&](const char* pointer, const json& value) {
    json tokenizer_json = json::parse(ReadFile(kTiny / "tokenizer.json"));
    tokenizer_json[json::json_pointer(pointer)] = value;
    std::ofstream(path / "tokenizer.json") << tokenizer_json;
    return Tokenizer::Load(path).fingerprint();
  };
  EXPECT_EQ(changed("/version", "1.0"), tokenizer.fingerprint());
  EXPECT_NE(changed("/post_processor", nullptr), tokenizer.fingerprint());
  // Beside a configuration that lists no tokens: its flags would count.
  fs::remove(path / "tokenizer_config.json");
  EXPECT_EQ(changed("/added_tokens/5/special", true), tokenizer.fingerprint());
  std::set<std::string> all = {tokenizer.fingerprint()};
  for (const std::string flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    EXPECT_TRUE(all.insert(changed(("/added_tokens/5/" + flag).c_str(), true)).second) << flag;
  }
  // As it was before there were flags: token caches made then are still found.
  EXPECT_EQ(tokenizer.fingerprint(), "1da46d70e1f41c079bf27e310ff51b69");
}

TEST_F(TokenizerTest, SaysWhatItCannotLoad) {
  EXPECT_THAT(MessageOf([&] { Tokenizer::Load(dir_); }),
              HasSubstr("has neither tokenizer.json nor tokenizer.model"));
  EXPECT_THAT(MessageOf([&] { Tokenizer::Load(dir_ / "none"); }), HasSubstr("no such file"));
  std::ofstream(dir_ / "tokenizer.json") << "{}";
  EXPECT_THAT(MessageOf([&] { Tokenizer::Load(dir_); }), HasSubstr("tokenizer.json: not a Gemma tokenizer"));
  const fs::path path = CopyTiny();
  std::ofstream(path / "tokenizer_config.json") << "";
  EXPECT_THAT(MessageOf([&] { Tokenizer::Load(path); }), HasSubstr("tokenizer_config.json: not valid JSON"));
  std::ofstream(dir_ / "x.gguf") << "GGUF";
  EXPECT_THAT(MessageOf([&] { Tokenizer::Load(dir_ / "x.gguf"); }), HasSubstr("x.gguf"));
  std::ofstream(dir_ / "x.bin") << "hello";
  EXPECT_THAT(MessageOf([&] { Tokenizer::Load(dir_ / "x.bin"); }),
              HasSubstr("x.bin: not a SentencePiece model"));
}

}  // namespace
}  // namespace gemtune::text
