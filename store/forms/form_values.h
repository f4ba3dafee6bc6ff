// Pages of the forms of one dossier, from what its record says. Every line has its source in the
// record; what the record does not say stays empty. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "store/forms/form.h"
#include "store/office/dossier.h"
#include "store/office/official_code.h"
#include "store/office/work.h"

namespace lienthong::store {

// One entry of the timeline with what it changed of state and date.
struct FormChange {
  TimelineEntry entry;
  std::optional<Status> status;
  std::optional<UnixMillis> due_at;
  bool reappointed = false;  // the one apology
};

struct FormSource {
  Dossier dossier;
  std::vector<FormChange> changes;  // in the order of the timeline
};

// kNotFound.
Result<FormSource> read_form_source(const Replica& replica, const RecordId& id);

// Every due date that was given after the first one, with the one before it.
std::vector<std::pair<UnixMillis, UnixMillis>> moved_dates(const FormSource& source);

// What the record alone does not say.
struct FormContext {
  const Registry& registry;
  UnixMillis now = 0;
  std::string time_limit = {};    // as the procedure's version words it
  std::string appointments = {};  // where the citizen comes more than once
  // When the step that ended with this link (an offer) was due.
  std::map<UpdateId, UnixMillis> step_due = {};
};

// The limit and the dates of the steps, from the version of the procedure that the dossier is
// pinned to; where none is pinned they stay unknown.
void put_work(FormContext& context, const Replica& replica, const RecordState& state,
              const Calendar& calendar);

// Early, on time or late by the calendar days at the office; empty: not known.
std::string form_result(std::optional<UnixMillis> end, std::optional<UnixMillis> due);

// kNotFound where the dossier has nothing to print on it (form of an apology that was never made);
// kInvalidArgument: a register is of many dossiers, see form_register.h.
Result<FormPage> fill_form(const FormSet& set, const FormDefinition& form, const FormSource& source,
                           const FormContext& context);

// ---- shared by form_*.cc ----

// The local code, and in brackets those that other systems gave.
std::string form_codes(std::string code, std::span<const OfficialCode> others);
// A text, a moment or a state among the values; absent: nothing.
std::string form_value(const std::map<Field, FieldValue>& values, Field field);
std::optional<UnixMillis> form_moment(const std::map<Field, FieldValue>& values, Field field);
std::optional<Status> form_status(const std::map<Field, FieldValue>& values);
// "name (code)" of an agency register; empty: none.
std::string form_agency(const std::map<Field, FieldValue>& values, Field field,
                        const Registry& registry);
std::string form_agency(const AgencyId& agency, const Registry& registry);
// Procedure, its code, and the summary.
std::string form_content(const std::map<Field, FieldValue>& values);
// Rows of the control slip, keyed as its columns are; one for each handing over.
std::vector<std::map<std::string, std::string>> control_rows(const FormSource& source,
                                                             const FormContext& context);
// When the dossier ended, by its state; nullopt: it has not, or nobody says when.
std::optional<UnixMillis> form_end(const FormSource& source);
// The cells of a row, as lay_out() makes them.
std::vector<std::string> row_cells(const FormDefinition& form,
                                   const std::map<std::string, std::string>& row);
// The page with each field and cell looked up by its key; a key that is not there stays empty.
FormPage lay_out(const FormSet& set, const FormDefinition& form,
                 const std::map<std::string, std::string>& values,
                 const std::vector<std::map<std::string, std::string>>& rows);

}  // namespace lienthong::store
