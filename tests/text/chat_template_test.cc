// Gemma 3's chat template against transformers (golden/generate_chat.py); the ids need its vocabulary, see
// gemma3_test.cc.
#include "gemtune/text/chat_template.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/message_of.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

using testing::HasSubstr;
using Chat = std::vector<ChatMessage>;

struct Golden {
  Chat messages;
  std::string text;
  std::vector<int32_t> ids;
  std::vector<uint8_t> is_target;
};

std::vector<Golden> GoldenChats() {
  std::vector<Golden> chats;
  for (const auto& row : nlohmann::json::parse(ReadFile(kGolden / "chat_golden.json"))) {
    Golden chat{.messages = {}, .text = row["text"], .ids = row["ids"], .is_target = row["is_target"]};
    for (const auto& turn : row["messages"]) chat.messages.push_back({turn[0], turn[1]});
    chats.push_back(std::move(chat));
  }
  return chats;
}

TEST(ChatTemplate, RendersWhatTransformersRenders) {
  const auto chats = GoldenChats();
  EXPECT_GT(chats.size(), 10u);
  for (const Golden& chat : chats) {
    EXPECT_EQ(RenderChat(chat.messages), chat.text);
    EXPECT_EQ(FaultOf(chat.messages), std::nullopt);
    EXPECT_EQ(RenderChat(chat.messages, {.add_generation_prompt = true}),
              chat.text + "<start_of_turn>model\n");
  }
}

TEST(ChatTemplate, CallsTheAssistantModel) {
  const Chat chat = {{"user", "a"}, {"model", "b"}};
  EXPECT_EQ(RenderChat(chat),
            "<bos><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n");
  EXPECT_EQ(FaultOf(chat), std::nullopt);
}

class ChatOfGemma3 : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::getenv(GetParam()) == nullptr) GTEST_SKIP() << "LEFT OUT: " << GetParam() << " is not set";
  }
};

TEST_P(ChatOfGemma3, HasTransformersIdsAndTargets) {
  const Tokenizer tokenizer = Tokenizer::Load(std::getenv(GetParam()));
  for (const Golden& chat : GoldenChats()) {
    const ChatTokens tokens = EncodeChat(chat.messages, tokenizer);
    EXPECT_EQ(tokens.ids, chat.ids) << chat.text;
    EXPECT_EQ(tokens.is_target, chat.is_target) << chat.text;
  }
}

TEST_P(ChatOfGemma3, HasTheKnownTemplateOrNone) {
  const Tokenizer tokenizer = Tokenizer::Load(std::getenv(GetParam()));
  EXPECT_NO_THROW(CheckChatTemplate(tokenizer, "model"));
}

TEST(ChatTemplate, AnotherThanGemma3sIsAnError) {
  CheckChatTemplate(Tokenizer::Load(kTinyModel), "model");  // has none
  EXPECT_THAT(test::MessageOf([] { CheckChatTemplate(Tokenizer::Load(kTiny), "model"); }),
              testing::StartsWith("model: its chat template is not Gemma 3's"));
}

INSTANTIATE_TEST_SUITE_P(Of, ChatOfGemma3, testing::Values("GEMTUNE_REAL_GGUF", "GEMTUNE_REAL_TOKENIZER"));

// The tiny tokenizer cuts turns into other tokens, and its targets are the same text.
TEST(ChatTokens, TargetsAreTheAnswersAndTheirEnd) {
  const Tokenizer tokenizer = Tokenizer::Load(kTiny);
  const Chat chat = {{"user", "a"}, {"assistant", " b c "}, {"user", "d"}, {"assistant", "e"}};
  const auto targets = [&](const ChatTokens& tokens) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < tokens.ids.size(); ++i) {
      if (tokens.is_target[i] != 0) ids.push_back(tokens.ids[i]);
    }
    return tokenizer.Decode(ids, /*skip_special_tokens=*/false);
  };
  const ChatTokens all = EncodeChat(chat, tokenizer);
  EXPECT_EQ(targets(all), "b c<end_of_turn>e<end_of_turn>");
  const ChatTokens last = EncodeChat(chat, tokenizer, {.only_last_answer = true});
  EXPECT_EQ(targets(last), "e<end_of_turn>");
  EXPECT_EQ(last.ids, all.ids);
  EXPECT_EQ(std::ranges::count(all.ids, tokenizer.bos_id()), 1);
  // A question at the end does not make the answer before it another's.
  Chat asked = chat;
  asked.push_back({"user", "f"});
  EXPECT_EQ(targets(EncodeChat(asked, tokenizer, {.only_last_answer = true})), "e<end_of_turn>");
}

TEST(ChatFault, SaysWhatIsWrong) {
  const auto fault = [](const Chat& chat) { return FaultOf(chat).value_or(""); };
  EXPECT_THAT(fault({}), HasSubstr("no assistant turn"));
  EXPECT_THAT(fault({{"user", "a"}}), HasSubstr("no assistant turn"));
  EXPECT_THAT(fault({{"system", "a"}}), HasSubstr("no assistant turn"));
  EXPECT_THAT(fault({{"assistant", "a"}}), HasSubstr("turn 1 is of the assistant; turns must alternate"));
  EXPECT_THAT(fault({{"user", "a"}, {"user", "b"}}), HasSubstr("turn 2 is of the user"));
  EXPECT_THAT(fault({{"user", "a"}, {"assistant", "\u3000\n"}}),
              HasSubstr("turn 2, the assistant's, is empty"));
  EXPECT_THAT(fault({{"user", "a"}, {"tool", "b"}}), HasSubstr("'tool'; known: system, user, assistant"));
  EXPECT_THAT(fault({{"user", "a"}, {"system", "b"}}), HasSubstr("only the first can be"));
}

}  // namespace
}  // namespace gemtune::text
