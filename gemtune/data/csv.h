#pragma once

#include <string>

#include "gemtune/data/row_sink.h"

namespace gemtune::data {

/// The character that the text of --csv-delimiter names: itself, or a tab for "\t" and "tab"; '\0' for "".
/// Throws Error for more than one, and for a quote, a line end, a letter, a digit and what is not ASCII.
char ParseDelimiter(const std::string& text);

/// Reads the rows of a CSV file into `sink` until it is full, labels as CsvField. See ReadTable.
void ReadCsv(const DataFile& file, char delimiter, RowSink& sink);

}  // namespace gemtune::data
