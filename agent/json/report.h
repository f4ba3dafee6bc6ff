// Reports as JSON, and the ratios in them as text. docs/operations.md, "Reports".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "agent/links/links.h"
#include "store/office/report.h"

namespace lienthong::agent {

// How a ratio is written: offices truncate (53,57 becomes 53,5) or round half up. The fraction
// itself always stands beside it.
struct Rounding {
  bool truncate = false;
  unsigned decimals = 2;  // 0 to 4
};

// part / whole in per cent with a decimal point; empty where there is nothing to divide by.
std::string percent(const store::Ratio& ratio, const Rounding& rounding);

nlohmann::json figures_json(const store::Figures& figures, const Rounding& rounding);
nlohmann::json report_json(const store::Report& report, const Registry& registry,
                           const Rounding& rounding);
nlohmann::json place_json(const store::Place& place);

// See store/office/arrival.h.
nlohmann::json arrival_json(const store::Report& report, const store::Replica& replica,
                            const std::vector<NeighbourStatus>& neighbours, UnixMillis now);

}  // namespace lienthong::agent
