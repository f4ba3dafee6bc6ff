// Procedures (thủ tục hành chính) as their published versions: what the limit is, how the clock
// goes on after a supplement, which papers are needed, and which steps the work takes. A version is
// a record of kind procedure; several records of one code are its versions.
// Source: domain "Procedure versions"; the form is docs/operations.md, "Procedures".
//
// A limit without its unit is not guessed at: it is refused where a version is written, and unknown
// where one is read. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/office/deadline.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct ProcedureStep {
  std::string name;
  std::string agency;  // a tier ("commune"), or the code of an agency; empty: not said
  std::string unit, duty;
  std::optional<Limit> limit;
  bool outside = false;  // of the total, as the tax office's; its limit is its own
};

// When the citizen is to come, where that is more than once: what of the total is used up by then.
struct Appointment {
  std::string name;
  Limit limit;  // after the one before
};

// A leg of a group of procedures. It begins when those that it waits for have their results.
struct PlannedLeg {
  std::string name, procedure, agency;
  std::optional<Limit> limit;
  std::vector<std::size_t> after;  // places from 1, of earlier ones
};

struct ProcedureComponent {
  std::string name;
  bool required = true;
};

struct Definition {
  std::optional<Limit> limit;
  std::map<int, Limit> limit_by_channel;  // by the channel's number: 1 counter, 2 online, 3 postal
  Resume resume = Resume::kRestart;
  std::optional<CutOff> cut_off;  // until when what is received counts from that day
  std::optional<Limit> supplement_limit;
  std::vector<ProcedureComponent> components;
  std::vector<ProcedureStep> steps;
  std::vector<Appointment> appointments;
  std::vector<PlannedLeg> legs;
  std::string level, source, note;

  // Of the channel, else the general one.
  std::optional<Limit> limit_for(std::optional<std::int64_t> channel) const;
};

// When a planned leg begins and is due; none: it is not known yet.
struct LegDates {
  std::optional<UnixMillis> starts_at, due_at;
};
// `start`: of the whole group. `ended`: when each leg had its result, as far as that has happened;
// a leg that has none counts from when those that it waits for are due.
std::vector<LegDates> plan_legs(const std::vector<PlannedLeg>& legs, UnixMillis start,
                                const std::vector<std::optional<UnixMillis>>& ended,
                                const Calendar& calendar);

// {"amount":20,"unit":"working_day"}: amount a number in quarters ("half_day" and
// "quarter_day" too). Fails:
// kInvalidArgument, which says what is missing.
Result<Limit> parse_limit(const nlohmann::json& value);
// As the register has it. Unknown names are let pass, so that later programs may add to them.
// Fails: kInvalidArgument with the place, such as "steps[2].limit".
Result<Definition> parse_definition(std::string_view json_text);

struct Procedure {  // a version
  RecordId record;
  AgencyId author;
  std::string code, name, field, decision, successor;
  std::optional<UnixMillis> effective_from, effective_to;
  Definition definition;
  std::string
      problem;  // of the definition, which is then empty; from a program or office unlike ours
};

// nullopt unless a procedure whose chain stands.
std::optional<Procedure> read_procedure(const RecordState& state);

// "2.000815" of "2.000815.000.00.00.H55"; the code itself where it has no such form.
std::string base_code(std::string_view code);

// The version that counts at our agency for what was received then: published by ourselves, a
// superior, or an agency that one of these succeeds; in force on that day; of several the latest in
// force, then the nearest publisher, then the lowest record. Null: none.
const Procedure* choose_version(const std::vector<Procedure>& versions, const AgencyId& ours,
                                const Registry& registry, UnixMillis received_at);
bool is_believed(const Procedure& version, const AgencyId& ours, const Registry& registry);

}  // namespace lienthong::store
