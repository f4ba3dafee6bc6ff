// Feedback of citizens as the API shows it: its clocks, and the report on a period. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "store/office/calendar.h"
#include "store/office/feedback.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

store::FeedbackFacts feedback_facts(const store::Replica& replica, const RecordState& state);

// [{"clock","days","from","due","end","state"}]
nlohmann::json feedback_clocks_json(const store::Replica& replica, const RecordState& state,
                                    const store::Calendar& calendar, UnixMillis now);

// II.05 (domain 1.6: the name of the form is from secondary sources): as of the end of the period,
// which is exclusive. `agency`: received there or below it; none: everything here.
nlohmann::json feedback_report_json(const store::Replica& replica, UnixMillis from, UnixMillis to,
                                    const std::optional<AgencyId>& agency,
                                    const store::Calendar& calendar, UnixMillis now);

}  // namespace lienthong::agent
