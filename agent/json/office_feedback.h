// Feedback of citizens as the API shows it: its clocks, and the report on a period. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "store/office/feedback.h"

namespace lienthong::agent {

// [{"clock","days","from","due","end","state"}]
nlohmann::json feedback_clocks_json(const std::vector<store::FeedbackClock>& clocks);

// The figures of II.05 (domain 1.6: the name of the form is from secondary sources).
nlohmann::json feedback_report_json(const store::FeedbackReport& report);

}  // namespace lienthong::agent
