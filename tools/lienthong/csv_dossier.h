// Dossiers as rows of a table (docs/operations.md, "In and out"): a column for each field, named as
// its path in JSON or as offices head their lists (words.h); lists as compact JSON in one cell.
// Pure; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

// In the order in which export writes them.
const std::vector<std::string>& csv_columns();

std::string csv_header();
// A line of `export` (the whole dossier as JSON) as a row.
std::string csv_row_of(const Json& dossier);
// The same as cells.
std::vector<std::string> cells_of_dossier(const Json& dossier);

struct CsvDossier {
  std::uint64_t line = 0;  // of the file, from 1
  Json dossier;            // as a line of `export` has it; null where `error` says why not
  Json error;              // as the API gives it: code, message, place
};
// What was made of a cell, or has to be looked at: the row is taken all the same.
struct CsvRemark {
  std::uint64_t line = 0;
  std::string column;
  bool repaired = false;  // else as it stands
  std::string text;       // in the reader's language
};
struct CsvDossiers {
  std::vector<CsvDossier> rows;    // in the order of the file
  std::vector<CsvRemark> remarks;  // the same
  std::uint64_t empty = 0;         // rows of separators alone, passed over
  std::vector<std::string> left;   // headings of columns that are passed over
  Json error;                      // of the whole file: its heading; null: none
};

// What replicas compute is passed over (holder, component_count, digitised_count), and rows without
// content. An empty cell is a field that is not known. States and channels may stand in words;
// dates with the day first, in a column of which no date can only have the month first.
// `bytes`: of a table of any kind that store/text/table.h reads, workbooks too.
CsvDossiers read_csv(std::string_view bytes);

}  // namespace lienthong::tools
