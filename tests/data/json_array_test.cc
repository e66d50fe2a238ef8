#include "gemtune/data/json_array.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using State = JsonValueScanner::State;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(JsonValueScanner, EndsWhereTheValueEndsHoweverItIsCut) {
  const std::string text = R"({"a": [1, "}]\"", {}], "b": null}, next)";
  const size_t end = text.find("}, next") + 1;
  for (size_t cut = 1; cut < end; ++cut) {
    JsonValueScanner scanner;
    EXPECT_EQ(scanner.Scan(std::string_view(text).substr(0, cut)), State::kInside) << cut;
    ASSERT_EQ(scanner.Scan(std::string_view(text).substr(cut)), State::kEnded) << cut;
    EXPECT_EQ(cut + scanner.end(), end);
  }
}

TEST(JsonValueScanner, ABracketThatClosesNoneOrAnotherIsBroken) {
  for (const char* text : {"[}", "{\"a\": ]", "]"})
    EXPECT_EQ(JsonValueScanner().Scan(text), State::kBroken) << text;
}

class JsonArrayTest : public test::TempDir {
 protected:
  std::vector<std::string> Elements(const std::string& text) const {
    WriteFileAtomically(dir_ / "a.json", text);
    TextStream stream(FileOfPath(dir_ / "a.json"));
    JsonArray array("a.json", stream);
    std::vector<std::string> elements;
    while (array.Next()) {
      elements.emplace_back(array.element().value());
      EXPECT_EQ(array.row(), std::ssize(elements));
    }
    return elements;
  }
};

TEST_F(JsonArrayTest, GivesItsElementsOneByOne) {
  EXPECT_THAT(Elements(" [ {\"a\": 1} ,\n\t{\"b\": [2, 3]}\n]\n"),
              ElementsAre("{\"a\": 1}", "{\"b\": [2, 3]}"));
  EXPECT_TRUE(Elements("[]").empty());
}

TEST_F(JsonArrayTest, ABrokenOneIsAnErrorWithItsElement) {
  for (const char* text : {"[{}", "[{} {}]", "[{},]", "[{}}", "[{}] x"}) {
    EXPECT_THAT(test::MessageOf([&] { Elements(text); }), HasSubstr("a.json: ")) << text;
  }
}

}  // namespace
}  // namespace gemtune::data
