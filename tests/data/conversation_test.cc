#include "gemtune/data/conversation.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "gemtune/data/bad_row.h"
#include "tests/support/message_of.h"

namespace gemtune::data {
namespace {

using nlohmann::json;
using test::MessageOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

using Turn = std::pair<std::string, std::string>;

std::vector<Turn> Read(const char* row, const ConversationColumns& columns = {}) {
  const json object = json::parse(row);
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  std::vector<Turn> turns;
  for (auto& message : ConversationOf(object, columns, names, "a.jsonl", 7))
    turns.emplace_back(message.role, message.content);
  return turns;
}

std::string Message(const char* row, const ConversationColumns& columns = {}) {
  return MessageOf([&] { Read(row, columns); });
}

const auto kExchange = ElementsAre(Turn("user", "q"), Turn("assistant", "a"));

TEST(Conversation, IsReadInEveryUsualForm) {
  EXPECT_THAT(
      Read(R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})"),
      kExchange);
  EXPECT_THAT(Read(R"({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})"),
              kExchange);
  EXPECT_THAT(Read(R"({"prompt": "q", "completion": "a"})"), kExchange);
  EXPECT_THAT(Read(R"({"instruction": "q", "output": "a"})"), kExchange);
  EXPECT_THAT(Read(R"({"instruction": "q", "input": "", "output": "a"})"), kExchange);
  EXPECT_THAT(Read(R"({"instruction": "q", "input": null, "output": "a"})"), kExchange);
  EXPECT_THAT(Read(R"({"instruction": "q", "input": "x", "output": "a"})"),
              ElementsAre(Turn("user", "q\nx"), Turn("assistant", "a")));
  EXPECT_THAT(Read(R"({"messages": [{"role": "system", "content": "s"},
                                    {"role": "user", "content": [{"type": "text", "text": "q"}]},
                                    {"role": "model", "content": "a"}]})"),
              ElementsAre(Turn("system", "s"), Turn("user", "q"), Turn("assistant", "a")));
}

TEST(Conversation, WholeOnesComeBeforePrompts) {
  EXPECT_THAT(Read(R"({"prompt": "x", "completion": "y",
                       "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})"),
              kExchange);
}

TEST(Conversation, ColumnsCanBeNamed) {
  const char* const gsm8k = R"({"question": "q", "answer": "a", "messages": null})";
  EXPECT_THAT(Read(gsm8k, {.prompt = "question", .completion = "answer"}), kExchange);
  EXPECT_THAT(Read(R"({"prompt": "q", "answer": "a"})", {.completion = "answer"}), kExchange);
  EXPECT_THAT(
      Read(R"({"p": "q", "more": "x", "c": "a"})", {.prompt = "p", .input = "more", .completion = "c"}),
      ElementsAre(Turn("user", "q\nx"), Turn("assistant", "a")));
  EXPECT_THAT(Read(R"({"chat": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})",
                   {.messages = "chat"}),
              kExchange);
}

TEST(Conversation, CandidatesAreAllThatMayBeRead) {
  EXPECT_THAT(ConversationCandidates({}), ElementsAre("messages", "conversations", "prompt", "completion",
                                                      "instruction", "input", "output"));
  EXPECT_THAT(ConversationCandidates({.prompt = "question"}), ElementsAre("question", "completion"));
  EXPECT_THAT(ConversationCandidates({.messages = "chat"}), ElementsAre("chat"));
}

TEST(Conversation, WhatIsMissingOrOfAnotherTypeIsNamed) {
  EXPECT_EQ(Message(R"({"text": "x"})"),
            "a.jsonl: row 7: has no conversation; needed is 'messages', 'conversations', or 'prompt' and "
            "'completion', or 'instruction' and 'output'; it has 'text'; name its columns with "
            "`messages_column`, or `prompt_column` and `completion_column`");
  EXPECT_THAT(Message(R"({"prompt": "x"})", {.completion = "answer"}),
              HasSubstr("needed is 'prompt' and 'answer'; it has 'prompt'"));
  EXPECT_THAT(Message(R"({"prompt": null, "completion": "a"})"), EndsWith("'prompt' is null"));
  EXPECT_THAT(Message(R"({"prompt": 5, "completion": "a"})"),
              EndsWith("'prompt' is a JSON number, not a text"));
  EXPECT_THAT(Message(R"({"prompt": [], "completion": "a"})"), HasSubstr("'prompt' is a list, not a text"));
  EXPECT_THAT(Message(R"({"messages": "x"})"),
              EndsWith("'messages' is a JSON string, not a list of messages"));
  EXPECT_THAT(Message(R"({"messages": null})"), EndsWith("'messages' is null"));
  EXPECT_THAT(Message(R"({"messages": ["x"]})"), EndsWith("message 1 is a JSON string, not an object"));
  EXPECT_THAT(Message(R"({"messages": [{"content": "x"}]})"),
              EndsWith("message 1 has no 'role' (or 'from')"));
  EXPECT_THAT(Message(R"({"messages": [{"role": "user", "content": null}]})"),
              EndsWith("message 1 has no 'content' (or 'value')"));
  EXPECT_THAT(Message(R"({"messages": [{"role": "user", "content": [{"type": "image"}]}]})"),
              HasSubstr("'content' of message 1 is not a text"));
}

TEST(Conversation, AFaultOfItsTurnsIsOneOfTheRow) {
  EXPECT_EQ(Message(R"({"messages": [{"role": "user", "content": "q"}]})"),
            "a.jsonl: row 7: has no assistant turn, so there is nothing to learn");
  EXPECT_THAT(Message(R"({"prompt": "q", "completion": " "})"),
              HasSubstr("turn 2, the assistant's, is empty"));
  EXPECT_THAT(Message(R"({"conversations": [{"from": "tool", "value": "q"}]})"),
              HasSubstr("the role 'tool'"));
  EXPECT_THAT(Message(R"({"messages": []})"), HasSubstr("no assistant turn"));
}

}  // namespace
}  // namespace gemtune::data
