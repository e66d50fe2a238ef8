#pragma once

#include "gemtune/data/row_sink.h"

namespace gemtune::data {

/// Reads the rows of a JSONL file, or of one that is a JSON array, into `sink` until it is full. See
/// ReadTable.
void ReadJsonLines(const DataFile& file, RowSink& sink);

}  // namespace gemtune::data
