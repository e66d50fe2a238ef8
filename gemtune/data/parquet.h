#pragma once

#include "gemtune/data/row_sink.h"

namespace gemtune::data {

/// Reads the rows of a Parquet file into `sink` until it is full. See ReadTable.
FileSchema ReadParquet(const DataFile& file, RowSink& sink);

}  // namespace gemtune::data
