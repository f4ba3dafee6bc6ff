// GET /v1/check: what an operator should know now, by the convention of monitoring programs.
#include <algorithm>
#include <filesystem>

#include "agent/api/routes.h"
#include "agent/joining/modes.h"
#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "protocol/record/agency_code.h"
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
  const UnixMillis now = api.now();
  const store::ClockVerdict verdict = api.replica().clock(now);
  const std::vector<std::string> values = {format_time(now), format_time(verdict.proof)};
  switch (verdict.fault) {
    case store::ClockFault::kBeforeRelease:
      return out.add(kWarning, Reason::kClockBeforeRelease, values);
    case store::ClockFault::kBeforeRoot: return out.add(kWarning, Reason::kClockBeforeRoot, values);
    case store::ClockFault::kNeighbours: return out.add(kWarning, Reason::kClockDiffers, values);
    case store::ClockFault::kNone:
    case store::ClockFault::kBehindRecords: break;
  }
  if (store::clock_doubtful(api.replica(), now))
    out.add(kWarning, Reason::kClockDoubtful, {format_time(api.replica().newest_time())});
  const auto registry = api.replica().registry();
  for (const auto& [node, reading] : verdict.others)
    out.add(kWarning, Reason::kClockOfOther,
            {agency_code(reading.agency, *registry) + " (" + node.short_hex() + ")",
             format_time(reading.at + reading.ahead), format_time(reading.at)});
}

void check_listening(Findings& out, const ApiContext& api) {
  for (const std::string& place : api.links.not_listening())
    out.add(kWarning, Reason::kNotListening, {place});
}

void check_folder(Findings& out, const ApiContext& api) {
  if (api.config.data_dir.empty()) return;
  const std::filesystem::path folder(api.config.data_dir);
  for (const Wide& wide : too_wide(folder))
    if (wide.allowed != kSecretMode)  // of secret files check_secrets() tells
      out.add(kWarning, Reason::kOpenToOthers, {wide.path.string()});
}

void check_counts(Findings& out, const store::Replica& replica) {
  std::size_t here = 0, there = 0;
  for (const store::RefusedEntry& entry : replica.refused(SIZE_MAX))
    ++(entry.by_peer ? there : here);
  if (here != 0) out.add(kWarning, Reason::kRefused, {std::to_string(here)});
  if (there != 0) out.add(kWarning, Reason::kRefusedByNeighbours, {std::to_string(there)});
  if (replica.restored()) out.add(kWarning, Reason::kRestored);
}

// ---- codes of agencies ----

std::string told(const AgencyInfo& info, const Registry& registry) {
  const AgencyInfo* declarer = registry.find_agency(info.declared_by);
  return info.id.short_hex() + " (" + info.name + ", " +
         (declarer == nullptr ? "the root" : declarer->code) + ")";
}

// Whether it is ours to know: one of those who bear the code or declared that, or under whose code
// it lies, is at or below us.
bool concerns(const AgencyId& ours, const std::vector<const AgencyInfo*>& bearers,
              const Registry& registry) {
  const auto below_us = [&](const AgencyId& agency) {
    return registry.above_or_equal(ours, agency, registry.newest());
  };
  for (const AgencyInfo* info : bearers)
    if (below_us(info->id) || below_us(info->declared_by)) return true;
  return std::ranges::any_of(registry.agencies(), [&](const AgencyInfo* info) {
    return info->code_right != CodeRight::kNone && lies_under(bearers.front()->code, info->code) &&
           below_us(info->id);
  });
}

void check_code(Findings& out, const std::vector<const AgencyInfo*>& bearers, const AgencyId& ours,
                const Registry& registry) {
  CodeRight best = CodeRight::kFormer;
  for (const AgencyInfo* info : bearers) best = std::max(best, info->code_right);
  const auto rightful = std::ranges::count(bearers, best, &AgencyInfo::code_right);
  if (rightful < 2 && static_cast<std::size_t>(rightful) == bearers.size()) return;
  if (!concerns(ours, bearers, registry)) return;
  std::string list;
  for (const AgencyInfo* info : bearers) {
    if (info->code_right == best)
      list += (list.empty() ? "" : ", ") + told(*info, registry);
    else
      out.add(kWarning, Reason::kCodeNotTheirs, {info->code, told(*info, registry)});
  }
  if (rightful > 1) out.add(kWarning, Reason::kCodeTwice, {bearers.front()->code, list});
}

void check_codes(Findings& out, const store::Replica& replica) {
  const auto registry = replica.registry();
  std::vector<const AgencyInfo*> bearers;  // of one code
  const auto end_of_code = [&] {
    if (!bearers.empty()) check_code(out, bearers, replica.identity().agency, *registry);
    bearers.clear();
  };
  for (const AgencyInfo* info : registry->agencies()) {  // by code
    if (registry->dissolved(info->id, registry->newest())) continue;
    if (!bearers.empty() && bearers.front()->code != info->code) end_of_code();
    bearers.push_back(info);
  }
  end_of_code();
}

}  // namespace

void get_check(ApiCall& call) {
  Findings out;
  check_writer(out, call.api);
  check_links(out, call.api, *call.api.replica().registry());
  check_handoffs(out, call.api);
  check_counts(out, call.api.replica());
  check_clock(out, call.api);
  check_codes(out, call.api.replica());
  check_listening(out, call.api);
  check_folder(out, call.api);
  send_json(call.response, out.take());
}

}  // namespace lienthong::agent
