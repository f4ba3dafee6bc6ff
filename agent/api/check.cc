// GET /v1/check: what an operator should know now, by the convention of monitoring programs.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "agent/api/judge.h"
#include "agent/api/routes.h"
#include "agent/files/blob_keeper.h"
#include "agent/joining/modes.h"
#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "protocol/record/agency_code.h"
#include "store/exchange/invitation.h"
#include "store/exchange/lives.h"
#include "store/office/between.h"
#include "store/office/data_check.h"
#include "store/office/late_work.h"
#include "store/replica/damage.h"
#include "store/trust/machines.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using texts::Reason;

constexpr UnixMillis kHandoffMillis = store::kDayMillis;
constexpr UnixMillis kFaultFreshMillis = 10LL * 60 * 1000, kFaultToldMillis = store::kDayMillis;
constexpr std::size_t kScansTold = 5;

using texts::Level;
constexpr Level kWarning = Level::kWarning, kCritical = Level::kCritical;

void check_writer(Findings& out, const ApiContext& api) {
  const auto written = api.engine.write([](store::Transaction&) -> Result<void> { return {}; });
  if (written.ok() || api.engine.refusal()) return;  // told by check_identity()
  if (written.error().code() == Errc::kDiskFull)
    return out.add(kCritical, Reason::kDiskFull, {written.error().detail()});
  out.add(kCritical, Reason::kReplicaFailed, {written.error().message()});
}

void check_identity_files(Findings& out, const ApiContext& api) {
  for (const IdentityFinding& finding : api.config.identity) {
    if (finding.what != IdentityFinding::What::kFile) continue;  // check_folder()
    out.add(finding.critical ? kCritical : kWarning,
            finding.critical ? Reason::kIdentityWrong : Reason::kIdentityDoubtful,
            {finding.error.detail()});
  }
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

void check_folder(Findings& out, const ApiContext& api) {
  if (api.config.data_dir.empty()) return;
  const std::filesystem::path folder(api.config.data_dir);
  for (const Wide& wide : too_wide(folder))
    if (wide.allowed != kSecretMode)  // of secret files check_secrets() tells
      out.add(kWarning, Reason::kOpenToOthers, {wide.path.string()});
  using What = IdentityFinding::What;
  for (const IdentityFinding& secret : check_secrets(folder))
    out.add(kWarning, secret.what == What::kKeyOpen ? Reason::kKeyOpen : Reason::kRootPaper,
            {secret.path});
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

// ---- what judge() is told ----

// When the oldest update came that the neighbour has not acknowledged; 0: not known.
UnixMillis waits_since(const store::Replica& replica, const NeighbourStatus& neighbour) {
  constexpr std::size_t kLinesMax = 64;
  if (!neighbour.node || neighbour.pending_out_updates == 0) return 0;
  const FeedMark end = replica.feed_end(FeedKind::kUpdates, neighbour.agency);
  const Cursor cursor = replica.heard_cursor(FeedKind::kUpdates, *neighbour.node);
  const std::uint64_t heard = cursor.mark.epoch == end.epoch ? cursor.mark.number : 0;
  for (const FeedLine& line :
       replica.feed_lines(neighbour.agency, *neighbour.node, heard + 1, kLinesMax)) {
    if (line.echoed) continue;
    const auto update = replica.find_update(line.position);
    return update ? update->received_at : 0;
  }
  return 0;
}

// A year that deadlines reach within two months and for which there is no data, after one for
// which there is.
std::optional<int> calendar_ends_before(const store::Calendar& calendar, UnixMillis now) {
  constexpr UnixMillis kSoon = 60 * store::kDayMillis;
  constexpr int kYears = 10;
  const auto knows = [&calendar](int year) {
    return calendar.basis_of(year) == store::YearBasis::kNotice;
  };
  const int year = store::office_year(now + kSoon);
  if (knows(year)) return std::nullopt;
  for (int before = year - 1; before >= year - kYears; --before)
    if (knows(before)) return before + 1;
  return std::nullopt;
}

// Whoever installs a new program removes the file of this one.
std::string replaced_program() {
  constexpr std::string_view kDeleted = " (deleted)";
  std::error_code problem;
  const std::string path = std::filesystem::read_symlink("/proc/self/exe", problem).string();
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : "";
}

bool kernel_has_bbr() {
  std::ifstream file("/proc/sys/net/ipv4/tcp_available_congestion_control");
  std::string name;
  bool any = false;
  while (file >> name) {
    any = true;
    if (name == "bbr") return true;
  }
  return !any;  // it cannot be told here
}

MachineFacts facts_of(const ApiContext& api) {
  const store::Replica& replica = api.replica();
  const auto registry = replica.registry();
  MachineFacts facts;
  facts.now = api.now();
  facts.started_at = api.config.started_at;
  for (NeighbourStatus& status : api.links.neighbours()) {
    NeighbourFacts of;
    of.code = agency_code(status.agency, *registry);
    of.waits_since = waits_since(replica, status);
    of.status = std::move(status);
    facts.neighbours.push_back(std::move(of));
  }
  facts.budget = api.links.budget();
  facts.not_listening = api.links.not_listening();
  facts.calendar_ends_before = calendar_ends_before(api.calendar(), facts.now);
  for (const store::ListedInvitation& listed : store::list_invitations(replica))
    if (!listed.invitation.used_by)
      facts.invitations.push_back(
          {agency_code(listed.invitation.agency, *registry), listed.invitation.expires_at});
  for (const store::LateWork& work : store::late_work(replica))
    facts.revoked.push_back(
        {work.node.short_hex(), agency_code(work.agency, *registry), work.updates});
  facts.replaced_program = replaced_program();
  facts.has_bbr = kernel_has_bbr();
  if (api.config.data_dir.empty()) return facts;
  facts.folder = api.config.data_dir;
  std::error_code problem;
  const auto space = std::filesystem::space(facts.folder, problem);
  if (!problem) facts.free_bytes = space.available;
  return facts;
}

}  // namespace

std::vector<texts::Finding> find_all(ApiContext& api, Trying trying) {
  Findings out;
  check_identity_files(out, api);
  if (trying == Trying::kToWrite) check_writer(out, api);
  check_damage(out, api.replica());
  if (const std::string& problem = api.config.calendar_problem; !problem.empty())
    out.add(kCritical, Reason::kCalendarDamaged, {problem});
  check_faults(out, api);
  check_scans(out, api);
  judge(facts_of(api), out);
  check_twins(out, api, *api.replica().registry());
  check_machines(out, api.replica());
  check_handoffs(out, api);
  check_counts(out, api.replica());
  check_clock(out, api);
  check_codes(out, api.replica());
  check_folder(out, api);
  check_backup(out, api);
  check_mirror(out, api);
  return out.list();
}

void get_check(ApiCall& call) {
  const auto findings = find_all(call.api, Trying::kToWrite);
  send_json(call.response, findings_json(findings, query_flag(call.request, "notes")));
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
