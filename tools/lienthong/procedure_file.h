// Procedures in files, as operations that publish them: a table (store/text/table.h; columns code,
// name, field, level, limit, unit, limit_by_channel, agencies, step_limits, note, source, decision,
// effective_from, effective_to, successor, or what offices call them), one JSON object, a list of
// them, or one a line. docs/operations.md, "Procedures".
//
// Nothing is guessed: a limit whose unit is missing is left out and reported, a procedure without
// code or name is reported and passed over, and steps are not read from running text.
#pragma once

#include <string>
#include <vector>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

struct ProcedureDefaults {  // where a line says nothing; empty: nothing
  std::string decision, effective_from, effective_to;
};

struct ProcedureLine {
  std::size_t number = 0;  // of the file, from 1
  std::string code;
  Json operation;
};

struct ProcedureRemark {
  std::size_t line = 0;
  std::string code;
  std::string kind;  // "unknown-limit", "refused", "left-out"
  std::string text;  // in the reader's language
};

struct ProcedureFile {
  std::vector<ProcedureLine> lines;
  std::vector<ProcedureRemark> remarks;
  std::size_t skipped = 0;  // lines with a procedure that cannot be published
  std::size_t empty = 0;    // rows of a table without content
};

// Throws Failure kFailed where the text is neither table nor JSON, or cannot be read.
ProcedureFile read_procedures(const std::string& text, const ProcedureDefaults& defaults);

}  // namespace lienthong::tools
