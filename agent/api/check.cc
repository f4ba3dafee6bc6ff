// GET /v1/check: what an operator should know now, by the convention of monitoring programs.
#include <algorithm>
#include <filesystem>
#include <map>

#include "agent/api/routes.h"
#include "agent/files/blob_keeper.h"
#include "agent/joining/modes.h"
#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "protocol/record/agency_code.h"
#include "store/exchange/lives.h"
#include "store/office/between.h"
#include "store/office/data_check.h"
#include "store/replica/damage.h"
#include "store/trust/machines.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using texts::Reason;

constexpr UnixMillis kLinkDownMillis = 3600LL * 1000;
constexpr UnixMillis kHandoffMillis = store::kDayMillis;
constexpr UnixMillis kFaultFreshMillis = 10LL * 60 * 1000, kFaultToldMillis = store::kDayMillis;
constexpr std::size_t kScansTold = 5;

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
  if (written.ok() || api.engine.refusal()) return;  // told by check_identity()
  if (written.error().code() == Errc::kDiskFull)
    return out.add(kCritical, Reason::kDiskFull, {written.error().detail()});
  out.add(kCritical, Reason::kReplicaFailed, {written.error().message()});
}

void check_identity_files(Findings& out, const ApiContext& api) {
  for (const IdentityFinding& finding : api.config.identity)
    out.add(finding.critical ? kCritical : kWarning,
            finding.critical ? Reason::kIdentityWrong : Reason::kIdentityDoubtful,
            {finding.error.detail()});
}

void check_faults(Findings& out, const ApiContext& api) {
  for (const Fault& fault : api.engine.faults().list()) {
    const UnixMillis age = api.now() - fault.last;
    if (age > kFaultToldMillis) continue;
    out.add(age < kFaultFreshMillis ? kCritical : kWarning, Reason::kBegunAnew,
            {fault.what, std::to_string(fault.count), format_time(fault.last), fault.error});
  }
}

void check_scans(Findings& out, const ApiContext& api) {
  if (api.config.blobs == nullptr) return;
  const auto damaged = api.config.blobs->blobs().damaged(kScansTold + 1);
  if (damaged.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(damaged.size(), kScansTold); ++i)
    list += (i == 0 ? "" : ", ") + blob_text(damaged[i].id);
  if (damaged.size() > kScansTold) list += ", …";
  const std::string count = std::to_string(std::min(damaged.size(), kScansTold));
  out.add(kCritical, Reason::kScansDamaged,
          {damaged.size() > kScansTold ? count + "+" : count, list});
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

// Connected, and for the eye of a monitor all is well: nothing else shows it.
void check_flow(Findings& out, const ApiContext& api, const Registry& registry) {
  for (const NeighbourStatus& neighbour : api.links.neighbours()) {
    const std::string code = agency_code(neighbour.agency, registry);
    if (neighbour.stands_since != 0)
      out.add(kCritical, Reason::kNeighbourStands,
              {code, format_time(neighbour.stands_since),
               std::to_string(neighbour.pending_out_updates)});
    if (neighbour.differs) out.add(kWarning, Reason::kNeighbourDiffers, {code});
  }
}

void check_twins(Findings& out, const ApiContext& api, const Registry& registry) {
  const auto code_of_node = [&](const NodeId& node) {
    const auto certificate = registry.certificate_of(node);
    return certificate ? agency_code(registry.find_certificate(*certificate)->agency, registry)
                       : node.short_hex();
  };
  const NodeId& self = api.replica().identity().node;
  for (const store::SeenTwin& seen : store::twins_of(api.replica(), api.now())) {
    const store::Twin& twin = seen.twin;
    const std::string since = format_time(twin.since), last = format_time(twin.last);
    if (seen.node == self)
      out.add(kCritical, Reason::kTwinHere,
              {since, last, twin.address, twin.other_address, code_of_node(seen.told_by)});
    else
      out.add(kCritical, Reason::kTwinThere,
              {code_of_node(seen.node), since, last, twin.address, twin.other_address});
  }
}

void check_machines(Findings& out, const store::Replica& replica) {
  for (const store::Machine& machine : store::unacknowledged(replica))
    out.add(kWarning, Reason::kSecondMachine,
            {machine.node.short_hex(), format_time(machine.issued_at), machine.node.short_hex()});
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
  std::size_t here = 0;
  struct There {
    std::size_t count = 0;
    std::string reason;  // the newest
  };
  std::map<AgencyId, There> there;
  for (const store::RefusedEntry& entry : replica.refused(SIZE_MAX)) {
    if (!entry.by_peer) {
      // What has come by now in a form that could be taken is no trouble any more.
      here += entry.id.is_zero() || !replica.find_update(entry.id) ? 1 : 0;
      continue;
    }
    There& of = there[entry.from_agency];
    if (of.count++ == 0) of.reason = entry.reason;
  }
  if (here != 0) out.add(kWarning, Reason::kRefused, {std::to_string(here)});
  for (const auto& [agency, of] : there)
    out.add(kCritical, Reason::kRefusedByNeighbours,
            {agency_code(agency, *replica.registry()), std::to_string(of.count), of.reason});
  if (replica.restored()) out.add(kWarning, Reason::kRestored);
}

// Until somebody has seen what is missing.
void check_damage(Findings& out, const store::Replica& replica) {
  const auto damage = store::find_damage(replica);
  if (!damage || damage->seen_at != 0) return;
  const std::string at = format_time(damage->at);
  if (damage->store_was_gone)
    return out.add(kCritical, Reason::kStoreGone, {at, std::to_string(damage->last_write)});
  const std::string what = damage->findings.empty() ? "" : damage->findings.front();
  if (!damage->lost_something() && !damage->unsure)
    return out.add(kCritical, Reason::kDamagedNothingLost, {at, what, damage->kept_as});
  if (!damage->writes_missing || !damage->lost_something())
    return out.add(kCritical, Reason::kDamagedUnknown, {at, what, damage->kept_as});
  out.add(kCritical, Reason::kDamagedLost,
          {at, what, std::to_string(*damage->writes_missing), std::to_string(damage->first_write),
           std::to_string(damage->last_write), std::to_string(damage->updates_missing),
           damage->kept_as});
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

// Only where one was ever made: who makes none knows it.
void check_backup(Findings& out, const ApiContext& api) {
  constexpr std::int64_t kOldSeconds = 8LL * 24 * 3600;  // a week, and a day for a holiday
  const nlohmann::json last = backup_json(api);
  if (!last.is_object() || last.value("age_seconds", std::int64_t{0}) < kOldSeconds) return;
  const nlohmann::json counts = last.value("counts", nlohmann::json::object());
  out.add(kWarning, Reason::kBackupOld,
          {last.value("at", ""), std::to_string(counts.value("only_here", 0ULL)),
           std::to_string(counts.value("files_only_here", 0ULL))});
}

// A second disk that is there for the day on which the first is not.
void check_mirror(Findings& out, const ApiContext& api) {
  const json last = mirror_json(api);
  if (!last.is_object()) return;
  const std::string folder = last.value("folder", ""), problem = last.value("problem", "");
  const std::string behind = std::to_string(last.value("changes_not_in_it", std::uint64_t{0}));
  const std::string at = last.value("at", "");
  if (!problem.empty())
    return out.add(kWarning, Reason::kMirrorFailed, {folder, problem, at, behind});
  const std::int64_t slow = 3 * last.value("every_seconds", std::int64_t{0}) + 600;
  if (last["age_seconds"].is_number() && behind != "0" &&
      last["age_seconds"].get<std::int64_t>() > slow)
    out.add(kWarning, Reason::kMirrorOld, {folder, at, behind});
}

}  // namespace

void get_check(ApiCall& call) {
  Findings out;
  check_identity_files(out, call.api);
  check_writer(out, call.api);
  check_damage(out, call.api.replica());
  if (const std::string& problem = call.api.config.calendar_problem; !problem.empty())
    out.add(kCritical, Reason::kCalendarDamaged, {problem});
  check_faults(out, call.api);
  check_scans(out, call.api);
  check_links(out, call.api, *call.api.replica().registry());
  check_flow(out, call.api, *call.api.replica().registry());
  check_twins(out, call.api, *call.api.replica().registry());
  check_machines(out, call.api.replica());
  check_handoffs(out, call.api);
  check_counts(out, call.api.replica());
  check_clock(out, call.api);
  check_codes(out, call.api.replica());
  check_listening(out, call.api);
  check_folder(out, call.api);
  check_backup(out, call.api);
  check_mirror(out, call.api);
  send_json(call.response, out.take());
}

void get_damage(ApiCall& call) {
  send_json(call.response, {{"damage", damage_json(call.api.replica())}});
}

// Where there is no neighbour that could give anything back, nothing is waited for any longer.
void post_damage_seen(ApiCall& call) {
  const bool alone = call.api.links.neighbours().empty();
  bool seen = false;
  const auto written = call.api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    seen = store::note_damage_seen(transaction, transaction.now());
    if (seen && alone) transaction.clear_restored();
    return {};
  });
  if (!written.ok()) return send_error(call.response, written.error());
  send_json(call.response, {{"seen", seen}, {"damage", damage_json(call.api.replica())}});
}

}  // namespace lienthong::agent
