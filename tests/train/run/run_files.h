#pragma once

#include <string>

#include "gemtune/base/file.h"
#include "gemtune/train/run/options.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {

/// A tiny model and rows that it can learn: "g..." is good, "b..." is bad.
class RunFiles : public test::TempDir {
 protected:
  RunFiles() {
    test::WriteTinyModel(dir_ / "base");
    std::string lines;
    for (int i = 0; i < 16; ++i) {
      const std::string tail(static_cast<size_t>(i % 5 + 1), static_cast<char>('h' + i));
      lines += "{\"text\": \"g" + tail + "\", \"label\": \"good\"}\n{\"text\": \"b" + tail +
               "\", \"label\": \"bad\"}\n";
    }
    WriteFileAtomically(dir_ / "data.jsonl", lines);
    options_.model = (dir_ / "base").string();
    options_.data.train_files = {(dir_ / "data.jsonl").string()};
    options_.trainer = {.num_train_epochs = 1};
    options_.dtype = at::kFloat;
  }

  RunOptions options_;
};

}  // namespace gemtune::train
