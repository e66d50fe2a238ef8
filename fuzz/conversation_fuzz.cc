#include "fuzz/table.h"
#include "gemtune/text/chat_template.h"

// JSON Lines as conversations, and what is made of them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  const std::vector<gemtune::data::DataFile> files = {
      gemtune::data::FileOfPath(fuzz::Write("rows.jsonl", data, size))};
  static const auto tokenizer = gemtune::text::Tokenizer::Load(GEMTUNE_SOURCE_DIR "/tests/text/golden/tiny");
  fuzz::Run([&] {
    gemtune::data::ReadTable(
        files, {.conversation = gemtune::data::ConversationColumns{}}, 0,
        [&](gemtune::data::RowBatch& batch) { gemtune::text::EncodeChats(batch.conversations, tokenizer); },
        {.bad_row = [](const gemtune::data::RowError&, int64_t) {}});
  });
  return 0;
}
