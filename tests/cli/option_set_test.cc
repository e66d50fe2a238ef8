#include "gemtune/cli/option_set.h"

#include <gmock/gmock.h>

#include "gemtune/base/log.h"
#include "tests/cli/run_program.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OptionSetTest : public test::TempDir {
 protected:
  OptionSetTest() {
    options_.Group("First");
    options_.Add("--name,--alias", name_, "A text", {.choices = {"red", "green"}});
    options_.Add("--filled", filled_, "Another text", {.not_empty = true});
    options_.Add("--count", count_, "A number", {.min = 1, .max = 10});
    options_.Add("--free", free_, "Any number");
    options_.Add("--rate", rate_, "A fraction", {.min = 0});
    options_.Group("Second");
    options_.Add("--off", off_, "A flag");
    options_.Add("--on", on_, "A switch");
    options_.Add("--files", files_, "A list");
    options_.Add("--words", words_, "Another list", {.delimiter = ','});
  }

  std::string Complaint(const std::vector<std::string>& arguments) {
    return test::MessageOf([&] { options_.Parse(arguments); });
  }

  std::string name_ = "red", filled_ = "full";
  int64_t count_ = 3, free_ = 0;
  double rate_ = 0.5;
  bool off_ = false, on_ = true;
  std::vector<std::string> files_, words_;
  OptionSet options_{"gemtune try", "Tries."};
};

TEST_F(OptionSetTest, EveryCommandCanBeQuiet) {
  const auto said = [&](const std::vector<std::string>& arguments) {
    log::SetLevel(log::Level::kInfo);
    EXPECT_TRUE(options_.Parse(arguments));
    testing::internal::CaptureStderr();
    log::Debug("a");
    log::Info("b");
    log::Warning("c");
    log::SetLevel(log::Level::kInfo);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said({}), "b\nwarning: c\n");
  EXPECT_EQ(said({"--log-level", "debug"}), "a\nb\nwarning: c\n");
  EXPECT_EQ(said({"-q"}), "warning: c\n");
  EXPECT_EQ(said({"--log-level", "error"}), "");
  EXPECT_THAT(Complaint({"--log-level", "loud"}),
              HasSubstr("'loud' is not one of debug, info, warning, error"));
  EXPECT_THAT(options_.Effective(), testing::Not(HasSubstr("log-level")));  // says nothing of the run
}

TEST_F(OptionSetTest, TakesValues) {
  EXPECT_TRUE(options_.Parse({"--alias", "green", "--count=7", "--rate", "1e-3", "--off", "--on", "false",
                              "--files", "a", "b c", "--words", "x,y", "z"}));
  EXPECT_EQ(name_, "green");
  EXPECT_EQ(count_, 7);
  EXPECT_EQ(rate_, 1e-3);
  EXPECT_TRUE(off_);
  EXPECT_FALSE(on_);
  EXPECT_THAT(files_, ElementsAre("a", "b c"));
  EXPECT_THAT(words_, ElementsAre("x", "y", "z"));
  EXPECT_TRUE(options_.Given("--name"));
  EXPECT_TRUE(options_.Given("--rate"));
}

TEST_F(OptionSetTest, AnOptionMayStandWithoutItsValue) {
  std::string from;
  options_.Add("--from", from, "A text or none", {.bare = "auto"});
  EXPECT_TRUE(options_.Parse({"--from", "--count", "7"}));
  EXPECT_EQ(from, "auto");
  EXPECT_EQ(count_, 7);
  EXPECT_TRUE(options_.Parse({"--count", "7", "--from"}));
  EXPECT_EQ(from, "auto");
  EXPECT_TRUE(options_.Parse({"--from", "here"}));
  EXPECT_EQ(from, "here");
  EXPECT_TRUE(options_.Parse({"--from=here"}));
  EXPECT_EQ(from, "here");
}

TEST_F(OptionSetTest, GivesTheValuesInEffectByName) {
  EXPECT_TRUE(options_.Parse({"--alias", "green"}));
  const auto values = options_.Values();
  EXPECT_EQ(values.front(), (std::pair<std::string, std::string>("name", "\"green\"")));
  EXPECT_EQ(values.size(), 7u);  // the lists are empty
}

TEST_F(OptionSetTest, KeepsDefaults) {
  EXPECT_TRUE(options_.Parse({}));
  EXPECT_EQ(name_, "red");
  EXPECT_EQ(count_, 3);
  EXPECT_TRUE(on_);
  EXPECT_FALSE(options_.Given("--count"));
}

// As in Python's argparse, so that options appended to a script's override its own.
TEST_F(OptionSetTest, OfAnOptionGivenTwiceTheLastHolds) {
  EXPECT_TRUE(options_.Parse({"--count", "7", "--name", "green", "--count", "8", "--alias=red"}));
  EXPECT_EQ(count_, 8);
  EXPECT_EQ(name_, "red");
  EXPECT_THAT(Complaint({"--count", "7", "8"}), HasSubstr("'8' is one argument too many"));
}

TEST_F(OptionSetTest, TheCommandLineOverridesTheFile) {
  const std::string file = test::WriteText(
      dir_ / "run.toml", "count = 5\nrate = 0.25\nfiles = [\"a, b\", \"c\"]\non = false\noff = true\n");
  EXPECT_TRUE(options_.Parse({"--config", file, "--count", "6"}));
  EXPECT_EQ(count_, 6);
  EXPECT_EQ(rate_, 0.25);
  EXPECT_THAT(files_, ElementsAre("a, b", "c"));
  EXPECT_FALSE(on_);
  EXPECT_TRUE(off_);
  EXPECT_TRUE(options_.Given("--rate"));
}

TEST_F(OptionSetTest, AHashBeginsACommentOutsideOfQuotesOnly) {
  const std::string file = test::WriteText(
      dir_ / "run.toml", "filled = \"a#b\"  # another \" one\ncount = 5#6\nfiles = ['c # d', # e\n 'f']\n");
  EXPECT_TRUE(options_.Parse({"--config", file}));
  EXPECT_EQ(filled_, "a#b");
  EXPECT_EQ(count_, 5);
  EXPECT_THAT(files_, ElementsAre("c # d", "f"));
}

// A run.toml holds every option, also those at their defaults.
TEST_F(OptionSetTest, AnOptionGivenAsItsDefaultIsNotChanged) {
  EXPECT_TRUE(options_.Parse({"--count", "3", "--off", "--files", "a"}));
  EXPECT_FALSE(options_.Changed("--count"));
  EXPECT_FALSE(options_.Changed("--of-another-command"));
  EXPECT_FALSE(options_.Changed("--alias"));
  EXPECT_TRUE(options_.Changed("--off"));
  EXPECT_TRUE(options_.Changed("--files"));
}

TEST_F(OptionSetTest, WhatIsInEffectReadsBackAsTheSame) {
  options_.Parse({"--files", "with \"quotes\"", "back\\slash", "a # hash", "it's \"both\"", "--off", "--on",
                  "false", "--rate", "2e-05"});
  const std::string text = options_.Effective();
  EXPECT_THAT(text, HasSubstr("rate = 2e-05\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("words")));
  const std::string file = test::WriteText(dir_ / "run.toml", text);
  files_.clear();
  off_ = false;
  on_ = true;
  rate_ = 0;
  EXPECT_TRUE(options_.Parse({"--config", file}));
  EXPECT_THAT(files_, ElementsAre("with \"quotes\"", "back\\slash", "a # hash", "it's \"both\""));
  EXPECT_EQ(rate_, 2e-5);
  EXPECT_TRUE(off_);
  EXPECT_FALSE(on_);
}

TEST_F(OptionSetTest, ComplainsInOneLine) {
  EXPECT_EQ(
      Complaint({"--name", "gren"}),
      "gemtune try: --name: 'gren' is not one of red, green (did you mean 'green'?); see gemtune try --help");
  EXPECT_EQ(Complaint({"--count", "11"}),
            "gemtune try: --count: 11 is not between 1 and 10; see gemtune try --help");
  EXPECT_EQ(Complaint({"--rate", "-1"}), "gemtune try: --rate: -1 is less than 0; see gemtune try --help");
  EXPECT_EQ(Complaint({"--rate", "x"}), "gemtune try: --rate: 'x' is not a number; see gemtune try --help");
  EXPECT_EQ(Complaint({"--rate", "nan"}),
            "gemtune try: --rate: 'nan' is not a number; see gemtune try --help");
  EXPECT_EQ(Complaint({"--rate", "inf"}),
            "gemtune try: --rate: 'inf' is not a number; see gemtune try --help");
  EXPECT_THAT(Complaint({"--count", "99999999999999999999"}), HasSubstr("is not between 1 and 10"));
  EXPECT_EQ(Complaint({"--filled", ""}), "gemtune try: --filled: is empty; see gemtune try --help");
  EXPECT_THAT(Complaint({"--count", "1.5"}), HasSubstr("--count: '1.5' is not a whole number"));
  EXPECT_THAT(Complaint({"--free", "9223372036854775808"}),
              HasSubstr("is not between -9007199254740992 and 9007199254740992"));
  EXPECT_THAT(Complaint({"--coutn", "1"}), HasSubstr("unknown option --coutn (did you mean '--count'?)"));
  EXPECT_THAT(Complaint({"--config", (dir_ / "none.toml").string()}), HasSubstr("none.toml"));
  EXPECT_THAT(Complaint({"--config", test::WriteText(dir_ / "bad.toml", "colour = 1\n")}),
              HasSubstr("bad.toml: 'colour' is not an option (did you mean"));
  const auto complaint_of_file = [&](const std::string& text) {
    return Complaint({"--config", test::WriteText(dir_ / "bad.toml", text)});
  };
  EXPECT_THAT(complaint_of_file("coutn = 1\n"),
              HasSubstr("bad.toml: 'coutn' is not an option (did you mean 'count'?)"));
  EXPECT_EQ(complaint_of_file("count = 11\n"),
            "gemtune try: --count: 11 is not between 1 and 10; see gemtune try --help");
  EXPECT_THAT(complaint_of_file("name = \"gren\"\n"), HasSubstr("did you mean 'green'?"));
  EXPECT_THAT(complaint_of_file("count = \"many\"\n"), HasSubstr("--count: 'many' is not a number"));
  EXPECT_THAT(complaint_of_file("count = \n"), HasSubstr("bad.toml: line 1: 'count' has no value"));
  EXPECT_THAT(complaint_of_file("count = 2\nfilled = \"it's # open\n"),
              HasSubstr("bad.toml: line 2: a quote is not closed"));
  EXPECT_THAT(complaint_of_file("[first]\ncount = 2\n"), HasSubstr("bad.toml: "));
}

// By another tool's name, or as people abbreviate.
TEST_F(OptionSetTest, AnUnknownOptionAlwaysSuggestsOne) {
  int64_t epochs = 1, batch = 1, length = 1;
  double rate = 1;
  options_.Add("--per-device-train-batch-size,--batch-size", batch, "Sequences");
  options_.Add("--num-train-epochs", epochs, "Passes");
  options_.Add("--learning-rate", rate, "Peak");
  options_.Add("--max-length", length, "Tokens");
  for (const auto& [typed, meant] :
       std::vector<std::pair<std::string, std::string>>{{"--epochs", "--num-train-epochs"},
                                                        {"--epochs=3", "--num-train-epochs"},
                                                        {"--num_epochs", "--num-train-epochs"},
                                                        {"--lr", "--learning-rate"},
                                                        {"--bs", "--batch-size"},
                                                        {"--max_seq_length", "--max-length"},
                                                        {"--train-batch", "--per-device-train-batch-size"},
                                                        {"--nam", "--name"}}) {
    EXPECT_THAT(Complaint({typed, "3"}), HasSubstr("(did you mean '" + meant + "'?)")) << typed;
  }
  EXPECT_THAT(Complaint({"--zzz"}), HasSubstr("(did you mean '"));
  EXPECT_THAT(Complaint({"--config", test::WriteText(dir_ / "bad.toml", "epochs = 1\n")}),
              HasSubstr("'epochs' is not an option (did you mean 'num-train-epochs'?)"));
}

TEST_F(OptionSetTest, APathIsRecordedSoThatItIsTheSameInAnyFolder) {
  std::string model;
  std::vector<std::string> files;
  options_.Add("--model", model, "A path", {.is_path = true});
  options_.Add("--train-file", files, "Paths", {.is_path = true});
  EXPECT_TRUE(options_.Parse({"--model", "base", "--train-file", "/data/a.csv", "part-*.csv"}));
  EXPECT_EQ(model, "base");
  const std::string here = std::filesystem::current_path().string();
  EXPECT_THAT(options_.Effective(), HasSubstr("model = \"" + here + "/base\"\n"));
  EXPECT_THAT(options_.Effective(),
              HasSubstr("train-file = [\"/data/a.csv\", \"" + here + "/part-*.csv\"]\n"));
  // A folder with what is special to a glob in its name.
  const std::filesystem::path odd = dir_ / "a [1]*";
  std::filesystem::create_directories(odd);
  std::filesystem::current_path(odd);
  std::ofstream("part-1.csv") << "text\n";
  const std::string pattern = options_.Values().back().second;
  model = "part-1.csv";
  const std::string path = options_.Values()[options_.Values().size() - 2].second;
  std::filesystem::current_path(here);
  EXPECT_THAT(pattern, HasSubstr("a \\[1]\\*/part-*.csv"));
  EXPECT_THAT(path, HasSubstr("a [1]*/part-1.csv"));
}

TEST_F(OptionSetTest, AModelIsRecordedAsAPathOrAsAName) {
  std::string model;
  options_.Add("--model", model, "A model", {.is_model = true});
  const std::string here = std::filesystem::current_path().string();
  std::filesystem::create_directories(dir_ / "owner" / "there");
  std::filesystem::current_path(dir_);
  std::vector<std::string> recorded;
  for (const char* given : {"owner/there", "owner/name", "owner/name@v1", "./owner/name", "a/b/c"}) {
    model = given;
    recorded.push_back(options_.Values().back().second);
  }
  const std::string folder = std::filesystem::current_path().string();
  std::filesystem::current_path(here);
  EXPECT_THAT(recorded,
              testing::ElementsAre("\"" + folder + "/owner/there\"", "\"owner/name\"", "\"owner/name@v1\"",
                                   "\"" + folder + "/./owner/name\"", "\"" + folder + "/a/b/c\""));
}

TEST_F(OptionSetTest, HelpShowsGroupsTypesAndDefaults) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(options_.Parse({"--help"}));
  const std::string help = testing::internal::GetCapturedStdout();
  for (const char* text :
       {"First:", "Second:", "--name,--alias red|green", "A text (default red)", "--count N",
        "A fraction (default 0.5)", "--on true|false", "A switch (default true)", "--config FILE"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
  EXPECT_THAT(help, testing::Not(HasSubstr("default false")));
}

TEST_F(OptionSetTest, HelpFitsIntoEightyColumns) {
  options_.Add("--long", name_,
               "Words of which there are so many that one line of a terminal cannot hold them all");
  options_.Add("TEXT", words_, "Texts");
  testing::internal::CaptureStdout();
  EXPECT_FALSE(options_.Parse({"--help"}));
  const std::string help = testing::internal::GetCapturedStdout();
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_THAT(help, HasSubstr("so many that one line of\n" + std::string(30, ' ') + "a terminal"));
  EXPECT_THAT(help, HasSubstr("\n  TEXT                        Texts\n"));
  EXPECT_THAT(help, testing::Not(HasSubstr("\n\n\n")));
}

}  // namespace
}  // namespace gemtune::cli
