#include "fuzz/table.h"

// Names of columns in the seeds; together they are of every type that can be read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  fuzz::ReadRows("rows.parquet", data, size, {"text", "", "label"});
  const gemtune::data::ConversationColumns lists{.messages = "list_string"};
  fuzz::ReadRows("rows.parquet", data, size, {.conversation = lists});
  fuzz::ReadRows("rows.parquet", data, size, {"dictionary_text", "view_text", "list_string"});
  return fuzz::ReadRows("rows.parquet", data, size, {"large_text", "binary_text", "null_item"});
}
