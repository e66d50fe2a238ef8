#include "gemtune/io/json_file.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"

namespace gemtune::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxDepth = 64;  // destroying, copying and printing recurse

// A value takes two bytes of text ("1,") and up to a hundred of memory. The largest realistic file, an index
// of shards or a list of added tokens, has some ten thousand.
constexpr size_t kMaxValues = size_t{1} << 22;

// Builds the value itself rather than through nlohmann's own builder, which looks for each new key among all
// members before it: quadratic for ordered objects (a vocabulary of 262,144), and a duplicate would be lost.
class Builder : public Json::json_sax_t {
 public:
  explicit Builder(std::string_view place) : place_(place) {}

  Json Take() { return std::move(root_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON text has none

  bool start_object(size_t) override { return Open(); }
  bool start_array(size_t) override { return Open(); }
  bool key(string_t& name) override {
    open_.back().keys.push_back(std::move(name));
    return true;
  }
  bool end_object() override {
    Container closed = Close();
    RefuseDuplicates(closed.keys);
    Json::object_t members;
    members.reserve(closed.keys.size());  // growing would copy: its keys are const
    for (size_t i = 0; i < closed.keys.size(); ++i) {
      members.emplace_back(std::move(closed.keys[i]), std::move(closed.values[i]));
    }
    return Add(std::move(members));
  }
  bool end_array() override { return Add(Close().values); }

  bool parse_error(size_t position, const std::string&, const Json::exception& exception) override {
    std::string_view what =
        exception.what();  // "[json.exception.parse_error.101] parse error at line 1, ..."
    what.remove_prefix(std::min(what.size(), what.find("] ") + 2));
    Fail("{}: not valid JSON at byte {}: {}", place_, position, Printable(what, 200));
  }

 private:
  // An open array or object.
  struct Container {
    std::vector<std::string> keys;  // of an object
    Json::array_t values;
  };

  bool Open() {
    if (open_.size() == kMaxDepth) Fail("{}: JSON nested more than {} levels deep", place_, kMaxDepth);
    Count();
    open_.emplace_back();
    return true;
  }

  Container Close() {
    Container closed = std::move(open_.back());
    open_.pop_back();
    return closed;
  }

  void Count() {
    if (++num_values_ > kMaxValues) Fail("{}: more than {} JSON values", place_, kMaxValues);
  }

  bool Add(Json value) {
    Count();
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().values.push_back(std::move(value));
    }
    return true;
  }

  void RefuseDuplicates(const std::vector<std::string>& keys) const {
    std::vector<std::string_view> sorted(keys.begin(), keys.end());
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) Fail("{}: key '{}' occurs twice", place_, Printable(*twice));
  }

  std::string_view place_;
  Json root_;
  std::vector<Container> open_;
  size_t num_values_ = 0;  // containers count twice: when they open and when they close
};

}  // namespace

Json ParseJson(std::string_view text, std::string_view place) {
  Builder builder(place);
  Json::sax_parse(text, &builder);
  return builder.Take();
}

Json ParseJsonFile(const std::filesystem::path& path, uint64_t max_bytes) {
  return ParseJson(ReadFile(path, max_bytes), path.string());
}

}  // namespace gemtune::io
