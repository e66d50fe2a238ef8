#include "gemtune/train/class_weights.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

data::Dataset Labelled(data::LabelKind kind, std::vector<float> values, std::vector<std::string> names) {
  data::Examples examples{
      .label_values = std::move(values), .label_kind = kind, .labels = {std::move(names)}};
  const auto width = static_cast<size_t>(data::LabelWidth(kind, examples.labels));
  for (size_t i = 0; i < examples.label_values.size() / width; ++i) {
    examples.ids.push_back(2);
    examples.offsets.push_back(std::ssize(examples.ids));
    examples.truncated.push_back(0);
  }
  return data::Dataset(std::move(examples));
}

class ClassWeightsTest : public test::TempDir {
 protected:
  std::vector<double> Weights(const std::string& wanted) const { return ClassWeights(wanted, data_); }
  std::string Fault(const std::string& wanted) const {
    return test::MessageOf([&] { Weights(wanted); });
  }

  // Three of a, one of b, none of "a,b".
  data::Dataset data_ = Labelled(data::LabelKind::kSingle, {0, 0, 1, 0}, {"a", "b", "a,b"});
};

TEST_F(ClassWeightsTest, BalancedIsScikitLearns) {
  // compute_class_weight("balanced", classes=[0, 1], y=[0, 0, 1, 0])
  EXPECT_THAT(Weights("balanced"), ElementsAre(4.0 / (2 * 3), 4.0 / (2 * 1), 1));
  const auto labels =
      Labelled(data::LabelKind::kMultiLabel, {1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1}, {"a", "b", "all"});
  EXPECT_THAT(ClassWeights("balanced", labels), ElementsAre(1, 1, 1));
  const auto rare = Labelled(data::LabelKind::kMultiLabel, {1, 0, 0, 0, 0, 0, 0, 0}, {"a", "b"});
  EXPECT_THAT(ClassWeights("balanced", rare), ElementsAre(3, 1));
}

TEST_F(ClassWeightsTest, NamesHaveTheirWeightAndTheRestOne) {
  EXPECT_THAT(Weights(""), IsEmpty());
  EXPECT_THAT(Weights("b=2.5"), ElementsAre(1, 2.5, 1));
  EXPECT_THAT(Weights("b=0,a=1e-1"), ElementsAre(0.1, 0, 1));
  const std::string file = (dir_ / "weights.json").string();
  WriteFileAtomically(file, R"({"a,b": 7, "a": 2})");
  EXPECT_THAT(Weights(file), ElementsAre(2, 1, 7));
}

TEST_F(ClassWeightsTest, RefusesWhatIsNoClassOrNoWeight) {
  EXPECT_THAT(Fault("c=1"), HasSubstr("there is no class 'c'"));
  EXPECT_THAT(Fault("b=-1"), HasSubstr("the weight of 'b' is -1; it must be a number from 0 on"));
  EXPECT_THAT(Fault("b=nan"), HasSubstr("the weight of 'b' is nan"));
  EXPECT_THAT(Fault("b=x"), HasSubstr("'b=x' is not name=weight"));
  EXPECT_THAT(Fault("b=1,"), HasSubstr("'' is not name=weight"));
  EXPECT_THAT(Fault("b=1,b=2"), HasSubstr("names 'b' twice"));
  EXPECT_THAT(Fault("balance"), HasSubstr("'balance' is neither balanced, nor name=weight, nor a file"));
  const std::string file = (dir_ / "weights.json").string();
  WriteFileAtomically(file, R"({"a": "2"})");
  EXPECT_THAT(Fault(file), HasSubstr("weights.json: the weight of 'a' is \"2\", not a number"));
  WriteFileAtomically(file, "[1, 2]");
  EXPECT_THAT(Fault(file), HasSubstr("weights.json: is not a JSON object of class names and weights"));
  WriteFileAtomically(file, R"({"a": 0, "b": 0, "a,b": 0})");
  EXPECT_THAT(Fault(file), HasSubstr("are all 0"));
}

}  // namespace
}  // namespace gemtune::train
