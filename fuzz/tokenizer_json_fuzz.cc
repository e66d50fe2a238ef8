#include "fuzz/fuzz.h"
#include "gemtune/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  return fuzz::Run([&] {
    const auto tokenizer = gemtune::text::Tokenizer::Load(fuzz::Write("tokenizer.json", data, size));
    const auto ids = tokenizer.EncodePair("The cat\nsat  <b> 007\t\n\n \u3000foo bar_<0> <1>",
                                          "\xf0\x9f\x90\x88 \xff", {.max_length = 64});
    tokenizer.Decode(ids, /*skip_special_tokens=*/true);
    tokenizer.Save(fuzz::Directory() / "saved");
  });
}
