#pragma once

#include "gemtune/data/row_sink.h"

namespace gemtune::data {

/// Reads the rows of a CSV file into `sink` until it is full, labels as CsvField. See ReadTable.
void ReadCsv(const DataFile& file, char delimiter, RowSink& sink);

}  // namespace gemtune::data
