#include "gemtune/train/run/identity.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

using test::MessageOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

TEST(CheckSame, NamesWhatDiffersWithBothValues) {
  const Json saved = {{"--seed", "42"}, {"--weight-decay", "0.1"}, {"--use-dora", "true"}};
  const Json now = {{"--seed", "7"}, {"--weight-decay", "0.1"}, {"--lora-r", "8"}};
  const std::string message = MessageOf([&] { CheckSame(saved, now, "out/checkpoint-3"); });
  EXPECT_THAT(message,
              HasSubstr("out/checkpoint-3: belongs to another run: --seed was 42 and is 7; --use-dora was "
                        "true and is none; --lora-r was none and is 8;"));
  EXPECT_THAT(message, Not(HasSubstr("weight-decay")));
}

TEST(CheckSame, WhatChangesNoNumberMayDiffer) {
  EXPECT_NO_THROW(CheckSame({{"--save-steps", "1"}, {"--output-dir", "a"}},
                            {{"--save-steps", "9"}, {"--logging-steps", "2"}}, "c",
                            {"--save-steps", "--output-dir", "--logging-steps"}));
}

TEST(CheckSame, WarnsOfAnotherNumberOfThreads) {
  testing::internal::CaptureStderr();
  CheckSame({{"number of threads", "2"}}, {{"number of threads", "4"}}, "c");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("number of threads was 2 and is 4"));
}

TEST(DescribeInputs, TellsWeightsApart) {
  data::Examples examples{.ids = {2}, .offsets = {0, 1}, .truncated = {0}};
  const data::Dataset data(std::move(examples));
  const auto one = test::TinyClassifier(), same = test::TinyClassifier(), other = test::TinyClassifier();
  {
    const at::NoGradGuard no_grad;
    other->score()->weight.view(-1)[0] += 1;
  }
  const Json first = DescribeInputs(data, nullptr, *one);
  EXPECT_EQ(first["dtype"], "fp32");
  EXPECT_EQ(first["validation data"], "none");
  EXPECT_EQ(first, DescribeInputs(data, nullptr, *same));
  EXPECT_NE(first["weights of --model"], DescribeInputs(data, nullptr, *other)["weights of --model"]);
  EXPECT_NE(first["validation data"], DescribeInputs(data, &data, *one)["validation data"]);
}

}  // namespace
}  // namespace gemtune::train
