#include "gemtune/cli/tokenize.h"

#include <gmock/gmock.h>

#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using test::TinyTokenizer;

class TokenizeCommand : public test::TempDir {};

TEST_F(TokenizeCommand, PrintsAnArrayARow) {
  TinyTokenizer().Make(dir_ / "tokenizer");
  const std::string data = test::WriteText(dir_ / "t.jsonl", "{\"body\": \"the a\"}\n{\"body\": \"\"}\n");
  const auto run = RunProgram({"tokenize", "--model", (dir_ / "tokenizer").string(), "--input-file", data,
                               "--text-column", "body", "--no-cache"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(run.out,
            fmt::format("[2, {}, {}, {}, {}]\n[2]\n", TinyTokenizer::kPair, TinyTokenizer::Letter('e'),
                        TinyTokenizer::kSpace, TinyTokenizer::Letter('a')));
}

TEST_F(TokenizeCommand, ASkippedRowIsNull) {
  TinyTokenizer().Make(dir_ / "tokenizer");
  const std::string data =
      test::WriteText(dir_ / "data.jsonl", "{\"text\": \"\"}\n{\"text\": 1}\n{\"text\": \"\"}\n[]\n");
  const auto run = RunProgram({"tokenize", "--model", (dir_ / "tokenizer").string(), "--input-file", data,
                               "--no-cache", "--on-bad-row", "skip"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(run.out, "[2]\nnull\n[2]\nnull\n");
}

TEST_F(TokenizeCommand, SavesTheTokenizer) {
  TinyTokenizer().Make(dir_ / "tokenizer");
  const auto run = RunProgram(
      {"tokenize", "--model", (dir_ / "tokenizer").string(), "--save-tokenizer", (dir_ / "saved").string()});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(text::Tokenizer::Load(dir_ / "saved").fingerprint(),
            text::Tokenizer::Load(dir_ / "tokenizer").fingerprint());
  const auto again = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"tokenize", "--model", (dir_ / "tokenizer").string(), "--save-tokenizer",
                               (dir_ / "saved").string()});
    return RunProgram(more);
  };
  EXPECT_EQ(again({}).exit_code, kBadInput);
  EXPECT_THAT(again({}).err,
              testing::HasSubstr("holds another model (tokenizer.json); give another --save-tokenizer"));
  EXPECT_EQ(again({"--overwrite-output-dir"}).exit_code, kDone);
}

TEST_F(TokenizeCommand, NeedsSomethingToDo) {
  EXPECT_EQ(RunProgram({"tokenize", "--model", dir_.string()}).exit_code, kBadInput);
}

TEST_F(TokenizeCommand, AFileInThePlaceOfTheFolderIsAnError) {
  TinyTokenizer().Make(dir_ / "tokenizer");
  const auto run = RunProgram({"tokenize", "--model", (dir_ / "tokenizer").string(), "--save-tokenizer",
                               test::WriteText(dir_ / "file", "")});
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, testing::HasSubstr("file: is a file; give another --save-tokenizer"));
}

}  // namespace
}  // namespace gemtune::cli
