#pragma once

#include <string>

#include "gemtune/data/row_sink.h"

namespace gemtune::data {

/// The character that the value of --csv-delimiter means: itself, or a tab for "\t" and "tab"; '\0' for "".
/// Throws Error for more than one character, and for a quote, a line end, a letter, a digit or anything that
/// is not ASCII.
char ParseDelimiter(const std::string& text);

/// Reads the rows of a CSV file into `sink` until it is full; labels are CsvFields. See ReadTable.
void ReadCsv(const DataFile& file, char delimiter, RowSink& sink);

}  // namespace gemtune::data
