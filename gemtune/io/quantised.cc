#include "gemtune/io/quantised.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "gemtune/base/error.h"

namespace gemtune::io {
namespace {

using Json = nlohmann::ordered_json;

struct SuffixRow {
  std::string_view suffix;
  std::string_view kind;
};

// Ends of tensors' names that reveal a method. The first that any tensor has counts.
constexpr std::array<SuffixRow, 12> kTelltales = {{
    {".absmax", "bitsandbytes"},  // 4 bits
    {".quant_map", "bitsandbytes"},
    {".SCB", "bitsandbytes"},  // 8 bits
    {".g_idx", "GPTQ"},
    {".qzeros", "GPTQ or AWQ"},
    {".qweight", "GPTQ or AWQ"},
    {".W_q", "HQQ"},
    {".weight_packed", "compressed-tensors"},
    {".weight_shape", "compressed-tensors"},
    {".weight_scale_inv", "fp8"},
    {".weight_scale", "fp8 or compressed-tensors"},
    {".weight_scales", "EETQ"},
}};

// Other types of stored weights that are not plain numbers.
constexpr std::array<std::string_view, 4> kPackedTypes = {"U8", "I8", "F8_E4M3", "F8_E5M2"};

// Ends of the names of quantised models on the Hub, in small letters. The first match counts.
constexpr std::array<std::string_view, 16> kNameEnds = {"-unsloth-bnb-4bit",
                                                        "-bnb-4bit",
                                                        "-bnb-8bit",
                                                        "-gptq-int4",
                                                        "-gptq-int8",
                                                        "-gptq-4bit",
                                                        "-gptq-8bit",
                                                        "-gptq",
                                                        "-awq-int4",
                                                        "-awq-4bit",
                                                        "-awq",
                                                        "-fp8-dynamic",
                                                        "-fp8",
                                                        "-w4a16",
                                                        "-w8a8",
                                                        "-quantized.w4a16"};

bool IsPacked(const TensorInfo& tensor) {
  return tensor.name.ends_with(".weight") &&
         std::find(kPackedTypes.begin(), kPackedTypes.end(), tensor.stored_type) != kPackedTypes.end();
}

// quant_method of config.json, also of the text part; "" where it says none.
std::string MethodOf(const Json& config) {
  for (const char* entry : {"quantization_config", "compression_config"}) {
    const auto settings = config.find(entry);
    if (settings == config.end() || !settings->is_object()) continue;
    const auto method = settings->find("quant_method");
    if (method != settings->end() && method->is_string()) return method->get<std::string>();
  }
  const auto text = config.find("text_config");
  return text != config.end() && text->is_object() ? MethodOf(*text) : "";
}

}  // namespace

std::string QuantisedBy(const Json& config, std::span<const TensorInfo> tensors) {
  std::string kind;
  for (const SuffixRow& row : kTelltales) {
    const auto ends = [&](const TensorInfo& tensor) { return tensor.name.ends_with(row.suffix); };
    if (kind.empty() && std::any_of(tensors.begin(), tensors.end(), ends)) kind = row.kind;
  }
  const auto packed = std::find_if(tensors.begin(), tensors.end(), IsPacked);
  if (kind.empty() && packed != tensors.end())
    kind = packed->stored_type.starts_with("F8") ? "fp8" : "8 bits";
  const std::string method = MethodOf(config);
  return kind.empty() || method.empty() ? kind : method;
}

std::string UnquantisedName(std::string_view name) {
  while (name.ends_with('/')) name.remove_suffix(1);
  std::string small(name);
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string_view end : kNameEnds) {
    if (small.ends_with(end) && small.size() > end.size())
      return std::string(name.substr(0, name.size() - end.size()));
  }
  return "";
}

void RefuseQuantised(const std::filesystem::path& directory, const Json& config,
                     std::span<const TensorInfo> tensors) {
  const std::string kind = QuantisedBy(config, tensors);
  if (kind.empty()) return;
  std::string name =
      UnquantisedName(directory.filename().empty() ? directory.parent_path().filename().string()
                                                   : directory.filename().string());
  const auto own = config.find("_name_or_path");
  if (name.empty() && own != config.end() && own->is_string())
    name = UnquantisedName(own->get_ref<const std::string&>());
  Fail(
      "{}: is quantised ({}); take the unquantised model that it was made from{} (as the base of an adapter: "
      "by `base_model`)",
      directory.string(), Printable(kind), name.empty() ? "" : fmt::format(", {},", Printable(name)));
}

}  // namespace gemtune::io
