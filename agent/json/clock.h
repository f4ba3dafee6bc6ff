// Deadlines, steps and procedures in JSON. docs/operations.md, "Deadlines" and "Procedures".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/desk/operations.h"
#include "store/office/work.h"

namespace lienthong::agent {

// {"number":2,"count":3,"name":…,"agency":…,"unit":…,"duty":…,"since":…,"due_at":…,"late":false}
nlohmann::json step_json(const store::CurrentStep& step);
// One object for each line of the calculation: {"step":"counted","at":…,"from":…,"limit":{…},…}.
nlohmann::json trace_json(const std::vector<store::TraceStep>& trace);
nlohmann::json limit_json(const store::Limit& limit);

// A version as it is published, with "counts": whether it is the one for what comes in now.
nlohmann::json procedure_json(const store::Procedure& version, const RecordState& state,
                              const Registry& registry);

// {"code":"late-apology","value":…,"text_en":…,"text_vi":…}
nlohmann::json warning_json(const store::Warning& warning);

}  // namespace lienthong::agent
