#include "gemtune/io/json_file.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using JsonFile = test::TempDir;

std::string Fault(const std::string& text) {
  return MessageOf([&] { ParseJson(text, "f.json"); });
}

// nlohmann's own parser is the reference for what is built.
TEST_F(JsonFile, BuildsWhatTheLibraryBuildsInOrder) {
  const std::string text =
      R"( {"z":[1,-2,3.5,true,null,"\u00e9\"",[],{}],"a":{"y":1e3,"b":{"c":[[2]]}},"m":18446744073709551615} )";
  EXPECT_EQ(ParseJson(text, "f").dump(), nlohmann::ordered_json::parse(text).dump());
  EXPECT_EQ(ParseJson("7", "f"), 7);
  EXPECT_TRUE(ParseJson("18446744073709551616", "f").is_number_float());
}

TEST_F(JsonFile, FaultsNameThePlaceAndTheByte) {
  EXPECT_THAT(Fault(R"({"a":1,})"), AllOf(HasSubstr("f.json: not valid JSON at byte 8"), HasSubstr("line 1"),
                                          Not(HasSubstr("json.exception"))));
  EXPECT_THAT(Fault(""), HasSubstr("f.json: not valid JSON"));
  EXPECT_THAT(Fault("{} {}"), HasSubstr("at byte 4"));
  EXPECT_THAT(Fault("[1e999]"), HasSubstr("number overflow"));
  EXPECT_THAT(Fault("\"\xff\""), HasSubstr("not valid JSON"));
  EXPECT_THAT(Fault("[\"" + std::string(5000, 'x')), Not(HasSubstr(std::string(300, 'x'))));
}

TEST_F(JsonFile, RefusesDuplicateKeys) {
  EXPECT_THAT(Fault(R"({"a":1,"b":{"c":1,"d":2,"c":3}})"), HasSubstr("f.json: key 'c' occurs twice"));
  EXPECT_THAT(Fault("{\"a\":1,\"\\u0061\":2}"),
              HasSubstr("key 'a' occurs twice"));  // the same once unescaped
  EXPECT_EQ(ParseJson(R"([{"a":1},{"a":2}])", "f").size(), 2u);
}

TEST_F(JsonFile, RefusesNestingBombs) {
  EXPECT_EQ(ParseJson(std::string(64, '[') + std::string(64, ']'), "f").size(), 1u);
  EXPECT_THAT(Fault(std::string(65, '[') + std::string(65, ']')), HasSubstr("more than 64 levels"));
  EXPECT_THAT(Fault(std::string(1'000'000, '[')), HasSubstr("more than 64 levels"));
}

// Two bytes of text a value, and up to a hundred of memory.
TEST_F(JsonFile, RefusesMoreValuesThanAnyFileHasReasonFor) {
  std::string text = "[";
  for (int i = 0; i < 5'000'000; ++i) text += "1,";
  EXPECT_THAT(Fault(text + "1]"), HasSubstr("f.json: more than 4194304 JSON values"));
}

// A quadratic builder would take minutes.
TEST_F(JsonFile, LargeObjectsAreLinear) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += fmt::format("{}\"k{}\":{}", i == 0 ? "" : ",", i, i);
  const auto parsed = ParseJson(text + "}", "f");
  EXPECT_EQ(parsed.size(), 200'000u);
  EXPECT_EQ(parsed.back(), 199'999);
}

TEST_F(JsonFile, ReadsFiles) {
  WriteFileAtomically(dir_ / "f.json", R"({"a": [1]})");
  EXPECT_EQ(ParseJsonFile(dir_ / "f.json").dump(), R"({"a":[1]})");
  EXPECT_THROW(ParseJsonFile(dir_ / "f.json", 5), Error);
  WriteFileAtomically(dir_ / "bad.json", "{");
  EXPECT_THAT(MessageOf([&] { ParseJsonFile(dir_ / "bad.json"); }),
              HasSubstr((dir_ / "bad.json: not").string()));
  EXPECT_THROW(ParseJsonFile(dir_ / "missing.json"), Error);
}

}  // namespace
}  // namespace gemtune::io
