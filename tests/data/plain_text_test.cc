#include "gemtune/data/plain_text.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using testing::HasSubstr;

class PlainTextTest : public test::TempDir {
 protected:
  std::vector<Row> Read(std::string_view contents, int64_t max_rows = 0,
                        std::vector<std::string>* bad = nullptr) {
    WriteFileAtomically(dir_ / "a.txt", contents);
    return ReadRows({FileOfPath(dir_ / "a.txt")}, {.text = "text"}, max_rows, bad);
  }
};

std::string Joined(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) text += row.text;
  return text;
}

TEST_F(PlainTextTest, AShortFileIsOneRow) {
  const std::vector<Row> rows = Read("one\n\ntwo \"x\",y\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].text, "one\n\ntwo \"x\",y\n");
  EXPECT_EQ(rows[0].row, 1);
  EXPECT_TRUE(Read("").empty());
}

TEST_F(PlainTextTest, ALongFileIsCutBetweenLines) {
  std::string text;
  for (int line = 0; line < 500'000; ++line) text += line % 3 == 0 ? "\n" : "line\n";
  const std::vector<Row> rows = Read(text);
  ASSERT_GT(rows.size(), 1u);
  EXPECT_EQ(Joined(rows), text);
  int64_t line = 1;
  for (const Row& row : rows) {
    EXPECT_EQ(row.row, line);
    EXPECT_TRUE(line == 1 || row.text.front() == 'l');  // no row begins within a run of line ends
    line += std::ranges::count(row.text, '\n');
  }
  EXPECT_EQ(Joined(Read(text, /*max_rows=*/1)), rows[0].text);
}

TEST_F(PlainTextTest, ALineThatIsTooLongIsAFault) {
  const std::string line(kMaxTextBytes + 10, 'x');
  EXPECT_THAT(test::MessageOf([&] { Read("a\n" + line); }), HasSubstr("a.txt: row 1: 'text' has 4.2 MB"));
  std::vector<std::string> bad;
  const std::vector<Row> rows = Read(std::string(kMaxTextBytes, 'x') + "\nend\n", 0, &bad);
  EXPECT_EQ(bad.size(), 1u);
}

TEST_F(PlainTextTest, MustBeUtf8) {
  EXPECT_THAT(test::MessageOf([&] { Read("caf\xe9\n"); }),
              HasSubstr("a.txt: row 1: 'text' is not valid UTF-8"));
}

}  // namespace
}  // namespace gemtune::data
