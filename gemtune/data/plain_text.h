#pragma once

#include "gemtune/data/row_sink.h"

namespace gemtune::data {

/// Reads a file of plain text into `sink` as rows of whole lines of about a megabyte, until it is full. A row
/// ends before a line that does not begin with a line end, so that runs of them, which are one token, stay
/// whole. See ReadTable.
void ReadPlainText(const DataFile& file, RowSink& sink);

}  // namespace gemtune::data
