#include "gemtune/cli/prompt_rows.h"

#include <gmock/gmock.h>

#include "tests/cli/run_program.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::cli {
namespace {

using testing::HasSubstr;

class PromptRowsTest : public test::TempDir {
 protected:
  std::vector<PromptRow> Read(const std::string& text) {
    return ReadPromptRows(test::WriteText(dir_ / "rows.jsonl", text));
  }
  std::string Fault(const std::string& text) {
    return test::MessageOf([&] { Read(text); });
  }
};

TEST_F(PromptRowsTest, HaveAPromptOrMessagesAndAnythingElse) {
  const auto rows = Read(
      "{\"prompt\": \"a\\nb\", \"id\": 7}\n\n  \r\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].prompt, "a\nb");
  EXPECT_EQ(rows[0].json["id"], 7);
  EXPECT_TRUE(rows[0].messages.empty());
  ASSERT_EQ(rows[1].messages.size(), 1u);
  EXPECT_EQ(rows[1].messages[0].content, "hi");
  EXPECT_THAT(rows[1].place, HasSubstr("rows.jsonl: row 4"));
  EXPECT_TRUE(Read("").empty());
}

TEST_F(PromptRowsTest, TakeEveryFormThatTrainingTakes) {
  const auto rows = Read(
      "{\"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}]}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"hi\"}]}]}\n");
  ASSERT_EQ(rows.size(), 2u);
  for (const PromptRow& row : rows) {
    ASSERT_EQ(row.messages.size(), 1u);
    EXPECT_EQ(row.messages[0].role, "user");
    EXPECT_EQ(row.messages[0].content, "hi");
  }
}

TEST_F(PromptRowsTest, AFaultNamesItsLine) {
  EXPECT_THAT(Fault("{\"prompt\": \"a\"}\nnonsense\n"), HasSubstr("rows.jsonl: row 2: is no JSON object"));
  EXPECT_THAT(Fault("[1]\n"), HasSubstr("row 1: is no JSON object"));
  EXPECT_THAT(Fault("{\"text\": \"a\"}\n"), HasSubstr("must have either 'prompt' or 'messages'"));
  EXPECT_THAT(Fault("{\"prompt\": \"a\", \"messages\": []}\n"), HasSubstr("not both"));
  EXPECT_THAT(Fault("{\"prompt\": 5}\n"), HasSubstr("'prompt' must be a text"));
  EXPECT_THAT(Fault("{\"messages\": []}\n"), HasSubstr("at least one message"));
  EXPECT_THAT(Fault("{\"messages\": [\"hi\"]}\n"), HasSubstr("message 1 is a JSON string"));
  EXPECT_THAT(Fault("{\"messages\": [{\"role\": \"user\"}]}\n"),
              HasSubstr("row 1: message 1 has no 'content'"));
  EXPECT_THAT(test::MessageOf([&] { ReadPromptRows(test::WriteText(dir_ / "rows.csv", "a\n")); }),
              HasSubstr("must be JSON Lines"));
}

}  // namespace
}  // namespace gemtune::cli
