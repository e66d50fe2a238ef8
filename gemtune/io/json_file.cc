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

  bool start_object(size_t) override { return Open(Json::object()); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool end_object() override {
    std::vector<std::string_view> keys;
    for (const auto& [name, value] : Members()) keys.emplace_back(name);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) Fail("{}: key '{}' is there twice", place_, Printable(*twice));
    return end_array();
  }
  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool parse_error(size_t position, const std::string&, const Json::exception& exception) override {
    std::string_view what =
        exception.what();  // "[json.exception.parse_error.101] parse error at line 1, ..."
    what.remove_prefix(std::min(what.size(), what.find("] ") + 2));
    Fail("{}: not valid JSON at byte {}: {}", place_, position, Printable(what, 200));
  }

 private:
  Json::object_t& Members() { return open_.back()->get_ref<Json::object_t&>(); }

  template <typename T>
  bool Add(T&& value) {
    Place(std::forward<T>(value));
    return true;
  }

  bool Open(Json container) {
    if (open_.size() == kMaxDepth) Fail("{}: JSON nested more than {} levels deep", place_, kMaxDepth);
    open_.push_back(Place(std::move(container)));
    return true;
  }

  // A container stays where it is while it is open: nothing is added to its parent meanwhile.
  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& elements = open_.back()->get_ref<Json::array_t&>();
      return &elements.emplace_back(std::move(value));
    }
    return &Members().emplace_back(std::move(key_), std::move(value)).second;
  }

  std::string_view place_;
  Json root_;
  std::string key_;
  std::vector<Json*> open_;
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
