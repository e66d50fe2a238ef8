#include "gemtune/text/tokenizer_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/text/added_tokens.h"

namespace gemtune::text {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMaxTemplateIds = 64;  // Gemma's has one; they stand around every text

// Pairs of pieces by text: tokenizer.json may list merges before the pieces they name.
struct MergeTexts {
  struct Sizes {
    uint32_t left = 0;
    uint32_t right = 0;
  };
  std::string text;  // left and right of each, end to end
  std::vector<Sizes> sizes;
};

// Splits the file's events: model.vocab and model.merges, 99% of it, go into flat arrays and the rest becomes
// a tree. (A tree of the whole takes some 900,000 nodes.)
class JsonReader : public nlohmann::json_sax<json> {
 public:
  explicit JsonReader(const std::string& source) : source_(source) {}

  json tree;
  std::vector<std::pair<std::string, uint64_t>> vocab;
  MergeTexts merges;

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_float(number_float_t value, const string_t&) override { return Value(value); }
  bool binary(binary_t&) override { return false; }  // not in JSON

  bool number_unsigned(number_unsigned_t value) override {
    if (section_ != Section::kVocab) return Value(value);
    if (vocab.size() == kMaxPieces) Fail("{}: has more than {} tokens", source_, kMaxPieces);
    vocab.emplace_back(std::move(key_), value);
    return true;
  }

  bool string(string_t& value) override {
    if (section_ != Section::kMerges) return Value(std::move(value));
    if (in_pair_) {
      AppendPart(value);
    } else {
      const size_t space = value.find(' ');
      if (space == string_t::npos) return Unexpected();
      AppendPart(std::string_view(value).substr(0, space));
      AppendPart(std::string_view(value).substr(space + 1));
      EndMerge();
    }
    return true;
  }

  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }

  bool start_object(size_t) override {
    if (IsModelMember("vocab")) return Enter(Section::kVocab, vocab.empty());
    return Push(json::object());
  }

  bool end_object() override {
    if (section_ == Section::kVocab) return Leave();
    return Pop();
  }

  bool start_array(size_t) override {
    if (IsModelMember("merges")) return Enter(Section::kMerges, merges.sizes.empty());
    if (section_ == Section::kMerges && !in_pair_) {
      in_pair_ = true;
      return true;
    }
    return Push(json::array());
  }

  bool end_array() override {
    if (section_ != Section::kMerges) return Pop();
    if (!in_pair_) return Leave();
    in_pair_ = false;
    EndMerge();
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    std::string_view what = error.what();  // "[json.exception.parse_error.101] parse error at line 1, ..."
    what.remove_prefix(std::min(what.size(), what.find("] ") + 2));
    Fail("{}: not valid JSON at byte {}: {}", source_, position, Printable(what, 200));
  }

 private:
  enum class Section { kTree, kVocab, kMerges };
  static constexpr size_t kMaxDepth = 32;
  static constexpr size_t kMaxValues = size_t{1} << 22;  // as io::ParseJson, but for vocab and merges

  bool IsModelMember(std::string_view name) const {
    return section_ == Section::kTree && open_.size() == 2 && key_ == name && open_[0]->is_object() &&
           open_[0]->contains("model") && open_[1] == &(*open_[0])["model"];
  }
  bool Enter(Section section, bool first) {
    if (!first) return Unexpected();
    section_ = section;
    return true;
  }
  bool Leave() {
    section_ = Section::kTree;
    return true;
  }
  bool Push(json container) {
    if (open_.size() == kMaxDepth) return Unexpected();
    if (open_.empty()) {
      tree = std::move(container);
      open_.push_back(&tree);
    } else {
      open_.push_back(Insert(std::move(container)));
    }
    return true;
  }
  bool Pop() {
    open_.pop_back();
    return true;
  }
  bool Value(json value) {
    if (open_.empty()) return Unexpected();
    Insert(std::move(value));
    return true;
  }
  json* Insert(json value) {
    if (section_ != Section::kTree || ++num_values_ > kMaxValues) Unexpected();
    json& parent = *open_.back();
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    if (parent.contains(key_)) Fail("{}: key '{}' occurs twice", source_, Printable(key_));
    return &(parent[key_] = std::move(value));
  }
  void AppendPart(std::string_view part) {
    if (parts_ < 2) part_sizes_[parts_] = static_cast<uint32_t>(part.size());
    ++parts_;
    merges.text += part;
  }
  void EndMerge() {
    if (parts_ != 2) Unexpected();
    merges.sizes.push_back({part_sizes_[0], part_sizes_[1]});
    parts_ = 0;
  }
  bool Unexpected() const { Fail("{}: not laid out as a tokenizer.json", source_); }

  const std::string& source_;
  Section section_ = Section::kTree;
  std::vector<json*> open_;  // containers from the root to where the parser stands
  std::string key_;
  bool in_pair_ = false;
  size_t num_values_ = 0;
  size_t parts_ = 0;
  uint32_t part_sizes_[2] = {};
};

// `object` at `key`, or null.
const json& Member(const json& object, const std::string& key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

bool IsFalse(const json& value) {
  return value.is_null() || value == false;
}

// In the order in which `tokenizers` writes keys; comparing objects ignores it.
ordered_json Replace(std::string_view from, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

// Without effect: the normalizer leaves no space to split at.
ordered_json SplitAtSpace() {
  return {{"type", "Split"},
          {"pattern", {{"String", " "}}},
          {"behavior", "MergedWithPrevious"},
          {"invert", false}};
}

ordered_json Decoder() {
  return {{"type", "Sequence"},
          {"decoders", {Replace(kSpaceSymbol, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}};
}

void CheckKind(const json& tree, const std::string& source) {
  const auto require = [&](bool condition, std::string_view what) {
    if (!condition) Fail("{}: not a Gemma tokenizer: {}", source, what);
  };
  const json& model = Member(tree, "model");
  const auto none = [&](const char* key) {
    return Member(model, key).is_null() || Member(model, key) == json("");
  };
  require(Member(model, "type") == "BPE", "its model is not BPE");
  require(Member(model, "byte_fallback") == true, "its model does not fall back to bytes");
  require(IsFalse(Member(model, "ignore_merges")), "its model sets 'ignore_merges'");
  require(Member(model, "dropout").is_null() || Member(model, "dropout") == 0, "its model sets 'dropout'");
  require(none("continuing_subword_prefix") && none("end_of_word_suffix"), "its model marks parts of words");
  require(Member(tree, "normalizer") == json(Replace(" ", kSpaceSymbol)),
          "its normalizer is not ' ' to U+2581");
  const json& pre_tokenizer = Member(tree, "pre_tokenizer");
  require(pre_tokenizer.is_null() || pre_tokenizer == json(SplitAtSpace()),
          "its pre_tokenizer is not a split at ' '");
  require(Member(tree, "decoder") == json(Decoder()), "its decoder is not U+2581 to ' ', bytes, fuse");
}

std::vector<std::string> TakePieces(std::vector<std::pair<std::string, uint64_t>>&& vocab,
                                    const std::string& source) {
  std::vector<std::string> pieces(vocab.size());
  for (auto& [piece, id] : vocab) {
    if (id >= pieces.size()) {
      Fail("{}: token '{}' has the id {}, but there are {} tokens", source, Printable(piece), id,
           pieces.size());
    }
    if (!pieces[id].empty()) Fail("{}: two tokens have the id {}", source, id);
    pieces[id] = std::move(piece);
  }
  return pieces;
}

std::vector<Merge> FindMerges(const MergeTexts& texts, std::span<const std::string> pieces,
                              const PieceIndex& index, const std::string& source) {
  std::vector<Merge> merges;
  merges.reserve(texts.sizes.size());
  std::string_view rest = texts.text;
  for (const auto& [left_size, right_size] : texts.sizes) {
    const std::string_view left = rest.substr(0, left_size);
    const std::string_view right = rest.substr(left_size, right_size);
    const std::string_view whole = rest.substr(0, size_t{left_size} + right_size);
    rest.remove_prefix(whole.size());
    // Mostly, all merges that make a piece follow one another.
    const bool same = !merges.empty() && pieces[merges.back().merged] == whole;
    const Merge merge = {index.Find(left), index.Find(right),
                         same ? merges.back().merged : index.Find(whole)};
    if (merge.left == kNoId || merge.right == kNoId || merge.merged == kNoId) {
      Fail("{}: merge {} ('{}' and '{}') joins tokens that do not exist", source, merges.size(),
           Printable(left), Printable(right));
    }
    merges.push_back(merge);
  }
  return merges;
}

std::vector<AddedToken> ReadAddedTokens(const json& tokens, const std::string& source) {
  std::vector<AddedToken> added;
  if (!tokens.is_null() && !tokens.is_array()) Fail("{}: 'added_tokens' is not a list", source);
  for (const json& token : tokens) {
    const json& id = Member(token, "id");
    if (!id.is_number_unsigned() || id.get<uint64_t>() > std::numeric_limits<int32_t>::max()) {
      Fail("{}: added token {} has no id", source, added.size());
    }
    added.push_back(ParseAddedToken(id.get<int32_t>(), token, source));
  }
  std::ranges::sort(added, {}, &AddedToken::id);
  return added;
}

// Reads one list of a TemplateProcessing into the ids before, between and after its `texts` sequences.
std::vector<std::vector<int32_t>> ReadTemplate(const json& list, const json& special_tokens, size_t texts,
                                               const std::string& source) {
  std::vector<std::vector<int32_t>> ids(1);
  const auto require = [&](bool condition) {
    if (!condition)
      Fail("{}: its post_processor's template is not special tokens around the texts in order", source);
  };
  require(list.is_array());
  for (const json& item : list) {
    if (const json& sequence = Member(item, "Sequence"); !sequence.is_null()) {
      require(Member(sequence, "id") == (ids.size() == 1 ? "A" : "B"));
      ids.emplace_back();
      continue;
    }
    const json& name = Member(Member(item, "SpecialToken"), "id");
    require(name.is_string());
    const json& token_ids = Member(Member(special_tokens, name.get<std::string>()), "ids");
    require(token_ids.is_array());
    for (const json& id : token_ids) {
      require(ids.back().size() < kMaxTemplateIds);
      require(id.is_number_unsigned() && id.get<uint64_t>() <= std::numeric_limits<int32_t>::max());
      ids.back().push_back(id.get<int32_t>());
    }
  }
  require(ids.size() == texts + 1);
  return ids;
}

SpecialTokensTemplate ReadPostProcessor(const json& processor, const std::string& source) {
  if (processor.is_null()) return {};
  if (Member(processor, "type") != "TemplateProcessing") {
    Fail("{}: not a Gemma tokenizer: its post_processor is not a template", source);
  }
  const json& special_tokens = Member(processor, "special_tokens");
  auto single = ReadTemplate(Member(processor, "single"), special_tokens, 1, source);
  auto pair = ReadTemplate(Member(processor, "pair"), special_tokens, 2, source);
  return {.single_before = std::move(single[0]),
          .single_after = std::move(single[1]),
          .pair_before = std::move(pair[0]),
          .pair_between = std::move(pair[1]),
          .pair_after = std::move(pair[2])};
}

ordered_json FormatAddedTokens(const Vocabulary& vocabulary) {
  ordered_json tokens = ordered_json::array();
  for (const AddedToken& token : vocabulary.added_tokens) {
    tokens.push_back({{"id", token.id},
                      {"content", token.content},
                      {"single_word", token.single_word},
                      {"lstrip", token.lstrip},
                      {"rstrip", token.rstrip},
                      {"normalized", token.normalized},
                      {"special", token.special}});
  }
  return tokens;
}

ordered_json FormatPostProcessor(const Vocabulary& vocabulary) {
  ordered_json special_tokens = ordered_json::object();
  const auto add = [&](const std::vector<int32_t>& ids, int type, ordered_json* list) {
    for (const int32_t id : ids) {
      const std::string& name = TokenText(vocabulary, id);
      special_tokens[name] = {{"id", name}, {"ids", {id}}, {"tokens", {name}}};
      list->push_back({{"SpecialToken", {{"id", name}, {"type_id", type}}}});
    }
  };
  const auto text = [](const char* name, int type, ordered_json* list) {
    list->push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
  };
  const SpecialTokensTemplate& around = vocabulary.special_tokens;
  ordered_json single = ordered_json::array(), pair = ordered_json::array();
  add(around.single_before, 0, &single);
  text("A", 0, &single);
  add(around.single_after, 0, &single);
  add(around.pair_before, 0, &pair);
  text("A", 0, &pair);
  add(around.pair_between, 1, &pair);
  text("B", 1, &pair);
  add(around.pair_after, 1, &pair);
  return {
      {"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special_tokens}};
}

}  // namespace

Vocabulary ParseTokenizerJson(std::string_view text, const std::string& source) {
  JsonReader reader(source);
  json::sax_parse(text.begin(), text.end(), &reader);
  CheckKind(reader.tree, source);
  Vocabulary vocabulary;
  vocabulary.pieces = TakePieces(std::move(reader.vocab), source);
  CheckSizes(vocabulary.pieces, source);
  const PieceIndex index(vocabulary.pieces, source);
  vocabulary.merges = FindMerges(reader.merges, vocabulary.pieces, index, source);
  CheckMerges(vocabulary, index, source);
  vocabulary.added_tokens = ReadAddedTokens(Member(reader.tree, "added_tokens"), source);
  if (const json& unk = Member(Member(reader.tree, "model"), "unk_token"); unk.is_string()) {
    vocabulary.unk_id = index.Find(unk.get<std::string>());
  }
  vocabulary.special_tokens = ReadPostProcessor(Member(reader.tree, "post_processor"), source);
  return vocabulary;
}

std::string FormatTokenizerJson(const Vocabulary& vocabulary) {
  const ordered_json head = {{"version", "1.0"},
                             {"truncation", nullptr},
                             {"padding", nullptr},
                             {"added_tokens", FormatAddedTokens(vocabulary)},
                             {"normalizer", Replace(" ", kSpaceSymbol)},
                             {"pre_tokenizer", SplitAtSpace()},
                             {"post_processor", FormatPostProcessor(vocabulary)},
                             {"decoder", Decoder()}};
  const ordered_json model = {{"type", "BPE"},
                              {"dropout", nullptr},
                              {"unk_token", vocabulary.pieces[vocabulary.unk_id]},
                              {"continuing_subword_prefix", nullptr},
                              {"end_of_word_suffix", nullptr},
                              {"fuse_unk", true},
                              {"byte_fallback", true},
                              {"ignore_merges", false}};
  // The two long lists are written out: a tree of them would take 300 MB.
  std::string text = head.dump(2);
  text.resize(text.size() - 2);  // "\n}"
  text += ",\n  \"model\": {";
  for (const auto& [key, value] : model.items())
    fmt::format_to(std::back_inserter(text), "\n    \"{}\": {},", key, value.dump());
  text += "\n    \"vocab\": {";
  std::vector<std::string> quoted;
  quoted.reserve(vocabulary.pieces.size());
  for (const std::string& piece : vocabulary.pieces) {
    quoted.push_back(json(piece).dump());
    fmt::format_to(std::back_inserter(text), "{}\n      {}: {}", quoted.size() == 1 ? "" : ",", quoted.back(),
                   quoted.size() - 1);
  }
  text += "\n    },\n    \"merges\": [";
  std::string_view separator;
  for (const Merge& merge : vocabulary.merges) {
    fmt::format_to(std::back_inserter(text), "{}\n      [\n        {},\n        {}\n      ]", separator,
                   quoted[merge.left], quoted[merge.right]);
    separator = ",";
  }
  text += "\n    ]\n  }\n}";
  return text;
}

}  // namespace gemtune::text
