// GET /v1/check: what an operator should know now, by the convention of monitoring programs.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "store/office/between.h"
#include "store/office/data_check.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using texts::Reason;

constexpr UnixMillis kLinkDownMillis = 3600LL * 1000;
constexpr UnixMillis kHandoffMillis = store::kDayMillis;

enum Level : int { kFine = 0, kWarning = 1, kCritical = 2 };

class Findings {
 public:
  void add(Level level, Reason reason, const std::vector<std::string>& values = {}) {
    state_ = std::max<int>(state_, level);
    json message = reason_json(reason, values);
    message["level"] = level == kCritical ? "critical" : "warning";
    messages_.push_back(std::move(message));
  }
  json take() { return {{"state", state_}, {"messages", std::move(messages_)}}; }

 private:
  int state_ = kFine;
  json messages_ = json::array();
};

void check_writer(Findings& out, const ApiContext& api) {
  const auto written = api.engine.write([](store::Transaction&) -> Result<void> { return {}; });
  if (written.ok()) return;
  if (written.error().code() == Errc::kDiskFull)
    return out.add(kCritical, Reason::kDiskFull, {written.error().detail()});
  out.add(kCritical, Reason::kReplicaFailed, {written.error().message()});
}

void check_links(Findings& out, const ApiContext& api, const Registry& registry) {
  for (const NeighbourStatus& neighbour : api.links.neighbours()) {
    if (neighbour.state == LinkState::kConnected) continue;
    const UnixMillis since =
        neighbour.last_contact != 0 ? neighbour.last_contact : api.config.started_at;
    if (api.now() - since < kLinkDownMillis) continue;
    const std::string code = agency_code(neighbour.agency, registry);
    const std::string time = format_time(since);
    out.add(kWarning, neighbour.last_contact != 0 ? Reason::kLinkDownSince : Reason::kLinkNeverUp,
            {code, time});
  }
}

void check_handoffs(Findings& out, const ApiContext& api) {
  const auto [incoming, outgoing] = store::old_offers(api.replica(), api.now(), kHandoffMillis,
                                                      [&api] { return api.stopping.load(); });
  if (incoming != 0) out.add(kWarning, Reason::kHandoffInPending, {std::to_string(incoming)});
  if (outgoing != 0) out.add(kWarning, Reason::kHandoffOutPending, {std::to_string(outgoing)});
}

void check_clock(Findings& out, const ApiContext& api) {
  if (!store::clock_doubtful(api.replica(), api.now())) return;
  out.add(kWarning, Reason::kClockDoubtful, {format_time(api.replica().newest_time())});
}

void check_counts(Findings& out, const store::Replica& replica) {
  std::size_t here = 0, there = 0;
  for (const store::RefusedEntry& entry : replica.refused(SIZE_MAX))
    ++(entry.by_peer ? there : here);
  if (here != 0) out.add(kWarning, Reason::kRefused, {std::to_string(here)});
  if (there != 0) out.add(kWarning, Reason::kRefusedByNeighbours, {std::to_string(there)});
  if (replica.restored()) out.add(kWarning, Reason::kRestored);
}

}  // namespace

void get_check(ApiCall& call) {
  Findings out;
  check_writer(out, call.api);
  check_links(out, call.api, *call.api.replica().registry());
  check_handoffs(out, call.api);
  check_counts(out, call.api.replica());
  check_clock(out, call.api);
  send_json(call.response, out.take());
}

}  // namespace lienthong::agent
