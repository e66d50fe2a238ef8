#include "gemtune/train/report/report.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/train/report/assets.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

class ReportTest : public test::TempDir {
 protected:
  void WriteLog(int64_t steps, const std::string& end = "") const {
    std::string log = "{\"type\": \"start\", \"total_steps\": 9}\n";
    for (int64_t step = 1; step <= steps; ++step)
      log += Json{{"type", "step"}, {"step", step}, {"loss", 0.5}}.dump() + "\n";
    log += "{\"type\": \"evaluation\", \"step\": 2, \"loss\": 0.25}\n";
    WriteFileAtomically(dir_ / "train_log.jsonl", log + end);
  }

  // The JSON of a page, as a browser finds it.
  static Json DataOf(const std::string& page) {
    const std::string begin = "<script type=\"application/json\" id=\"data\">";
    const size_t at = page.find(begin) + begin.size();
    return Json::parse(page.substr(at, page.find("</script>", at) - at));
  }
};

TEST_F(ReportTest, ReadsWhatARunLeft) {
  WriteLog(3);
  WriteFileAtomically(dir_ / "run.toml", "seed = 42\nlabel-names = [\"a = b\"]\n");
  const Json interrupted = ReadRun(dir_);
  EXPECT_EQ(interrupted["state"], "interrupted");
  EXPECT_EQ(interrupted["start"]["total_steps"], 9);
  EXPECT_EQ(interrupted["steps"].size(), 3u);
  EXPECT_EQ(interrupted["evaluations"][0]["loss"], 0.25);
  EXPECT_EQ(interrupted["options"]["label-names"], "[\"a = b\"]");
  WriteFileAtomically(dir_ / "all_results.json", "{\"train_loss\": 0.5}");
  WriteFileAtomically(dir_ / "report.json", "{\"task\": \"classification\"}");
  EXPECT_EQ(ReadRun(dir_)["state"], "finished");
  EXPECT_EQ(ReadRun(dir_)["summary"]["train_loss"], 0.5);
  EXPECT_EQ(ReadRun(dir_)["task"], "classification");
  EXPECT_EQ(ReadRun(dir_, /*is_running=*/true)["state"], "running");
}

TEST_F(ReportTest, ALineThatIsBeingWrittenEndsTheLogAndAnotherOneIsAnError) {
  WriteLog(3, "{\"type\": \"st");
  EXPECT_EQ(ReadRun(dir_)["steps"].size(), 3u);
  WriteLog(3, "not a line\n");
  EXPECT_THAT(test::MessageOf([&] { ReadRun(dir_); }), HasSubstr("line 6 is none of a log"));
  EXPECT_THAT(test::MessageOf([&] { ReadRun(dir_ / "none"); }), HasSubstr("is not the directory of a run"));
}

TEST_F(ReportTest, OfManyStepsItKeepsSomeAndTheLast) {
  WriteLog(4501);
  const Json steps = ReadRun(dir_)["steps"];
  EXPECT_EQ(steps.size(), 1501u);
  EXPECT_EQ(steps.back()["step"], 4501);
  EXPECT_EQ(steps[0]["step"], 1);
}

TEST_F(ReportTest, APageHoldsItsDataWhateverTheTextsAre) {
  const Json hostile = {{"name", "</script><!-- /* data */ /* chart.js */ \u2028"}};
  const std::string page = ReportPage({hostile});
  const Json data = DataOf(page);
  EXPECT_EQ(data["runs"][0], hostile);
  EXPECT_FALSE(data.contains("refresh"));
  EXPECT_THAT(page, HasSubstr(std::string(ChartLibrary())));
  EXPECT_TRUE(DataOf(ReportPage({hostile}, /*refresh=*/true))["refresh"].get<bool>());
}

TEST_F(ReportTest, FollowsARun) {
  WriteLog(2);
  ReportObserver report(dir_);
  report.OnStep({});
  EXPECT_FALSE(std::filesystem::exists(dir_ / "report.html"));  // too early
  report.OnEvaluate({});
  const Json data = DataOf(ReadFile(dir_ / "report.html"));
  EXPECT_EQ(data["runs"][0]["state"], "running");
  EXPECT_EQ(data["runs"][0]["steps"].size(), 2u);
}

}  // namespace
}  // namespace gemtune::train
