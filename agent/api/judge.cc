#include "agent/api/judge.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/json/reasons.h"
#include "agent/json/time.h"

namespace lienthong::agent {
namespace {

using texts::Level;
using texts::Reason;

constexpr UnixMillis kDay = 24LL * 3600 * 1000;
constexpr UnixMillis kInvitationTold = 7 * kDay;
constexpr std::uint64_t kMegabyte = 1'000'000;
// Asio's and the kernel's words; the agent runs in the C locale.
constexpr std::string_view kInUse = "Address already in use";

// Why nobody comes through, where the attempts tell.
void judge_fault(const NeighbourFacts& of, Findings& out) {
  const NeighbourStatus& status = of.status;
  const bool settled = status.fault_count >= kLinkFaultCount;
  switch (status.fault) {
    case LinkFault::kNone:
    case LinkFault::kOther: return;
    case LinkFault::kName:
      if (settled)
        out.add(Level::kWarning, Reason::kNameUnresolved,
                {status.address, of.code, status.last_error});
      return;
    case LinkFault::kClosed:
      if (settled)
        out.add(Level::kWarning, Reason::kPortClosed, {status.address, of.code, status.last_error});
      return;
    case LinkFault::kNoAgent:
      return out.add(Level::kWarning, Reason::kNoAgentThere, {status.address, of.code});
    case LinkFault::kVersion:
      return out.add(Level::kCritical, Reason::kVersionDiffers, {of.code, status.last_error});
    case LinkFault::kTurnedAway:
      return out.add(Level::kCritical, Reason::kTurnedAway, {of.code, status.last_error});
  }
}

void judge_down(const NeighbourFacts& of, const MachineFacts& facts, Findings& out) {
  const NeighbourStatus& status = of.status;
  judge_fault(of, out);
  const UnixMillis since = status.last_contact != 0 ? status.last_contact : facts.started_at;
  if (facts.now - since < kLinkDownMillis) return;
  out.add(Level::kWarning, status.last_contact != 0 ? Reason::kLinkDownSince : Reason::kLinkNeverUp,
          {of.code, format_time(since)});
}

// Connected, and for the eye of a monitor all is well: nothing else shows it.
void judge_flow(const NeighbourFacts& of, UnixMillis now, Findings& out) {
  const NeighbourStatus& status = of.status;
  const std::string waiting = std::to_string(status.pending_out_updates);
  if (status.stands_since != 0)
    out.add(Level::kCritical, Reason::kNeighbourStands,
            {of.code, format_time(status.stands_since), waiting});
  if (status.differs) out.add(Level::kWarning, Reason::kNeighbourDiffers, {of.code});
  const UnixMillis age = now - of.waits_since;
  if (status.pending_out_updates > 0 && of.waits_since != 0 && age >= kQueueWarnMillis)
    out.add(age >= kQueueCriticalMillis ? Level::kCritical : Level::kWarning, Reason::kQueueStands,
            {waiting, of.code, format_time(of.waits_since)});
  if (status.small_segments) out.add(Level::kWarning, Reason::kMtuHole, {of.code});
  if (status.forgotten_count >= kForgottenCount && now - status.forgotten_last < kDay)
    out.add(Level::kWarning, Reason::kNatForgets,
            {of.code, std::to_string(status.forgotten_after.count()),
             std::to_string(status.forgotten_count)});
}

void judge_budget(const BudgetStatus& budget, Findings& out) {
  constexpr std::size_t kUpdates = 2;  // the last lane that closes
  if (budget.bytes_per_day == 0 || budget.gates[kUpdates] != LaneGate::kBudget) return;
  out.add(Level::kWarning, Reason::kBudgetSpent,
          {std::to_string(budget.bytes_per_day), std::to_string(budget.spent_total)});
}

}  // namespace

nlohmann::json findings_json(const std::vector<texts::Finding>& findings, bool notes) {
  int state = 0;
  nlohmann::json messages = nlohmann::json::array();
  for (const texts::Finding& finding : findings) {
    if (finding.level == Level::kNote && !notes) continue;
    state = std::max(state, static_cast<int>(finding.level));
    nlohmann::json message = reason_json(finding.reason, finding.values);
    message["level"] = texts::to_string(finding.level);
    messages.push_back(std::move(message));
  }
  return {{"state", state}, {"messages", std::move(messages)}};
}

void judge(const MachineFacts& facts, Findings& out) {
  for (const NeighbourFacts& neighbour : facts.neighbours)
    if (neighbour.status.state != LinkState::kConnected) judge_down(neighbour, facts, out);
  for (const NeighbourFacts& neighbour : facts.neighbours) judge_flow(neighbour, facts.now, out);
  if (facts.budget) judge_budget(*facts.budget, out);
  for (const std::string& place : facts.not_listening) {
    const bool taken = place.find(kInUse) != std::string::npos;
    out.add(Level::kWarning, taken ? Reason::kPortTaken : Reason::kNotListening, {place});
  }
  if (facts.calendar_ends_before)
    out.add(Level::kWarning, Reason::kCalendarEnds, {std::to_string(*facts.calendar_ends_before)});
  for (const auto& unused : facts.invitations)
    if (unused.expired_at <= facts.now && facts.now - unused.expired_at < kInvitationTold)
      out.add(Level::kNote, Reason::kInvitationExpired,
              {unused.code, format_time(unused.expired_at)});
  for (const auto& machine : facts.revoked)
    out.add(Level::kWarning, Reason::kRevokedWorks,
            {machine.node, machine.code, std::to_string(machine.updates)});
  if (!facts.replaced_program.empty())
    out.add(Level::kWarning, Reason::kRestartNeeded, {facts.replaced_program});
  if (facts.free_bytes && *facts.free_bytes < kDiskLowBytes)
    out.add(Level::kWarning, Reason::kDiskLow,
            {facts.folder, std::to_string(*facts.free_bytes / kMegabyte)});
  if (!facts.has_bbr) out.add(Level::kNote, Reason::kNoBbr);
}

}  // namespace lienthong::agent
