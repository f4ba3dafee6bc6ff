#include "agent/links/neighbour.h"

#include <algorithm>

namespace lienthong::agent {

void NeighbourTable::with(const AgencyId& agency,
                          const std::function<void(NeighbourStatus&)>& change) {
  const std::lock_guard lock(mutex_);
  NeighbourStatus& status = known_[agency];
  status.agency = agency;
  change(status);
}

void NeighbourTable::with_unknown(const std::string& code,
                                  const std::function<void(NeighbourStatus&)>& change) {
  const std::lock_guard lock(mutex_);
  change(unknown_[code]);
}

void NeighbourTable::forget_unknown(const std::string& code) {
  const std::lock_guard lock(mutex_);
  unknown_.erase(code);
}

void NeighbourTable::note_ends(const AgencyId& agency, const FeedMark& registry,
                               const FeedMark& updates) {
  const std::lock_guard lock(mutex_);
  ends_[agency] = Ends{registry, updates};
}

void NeighbourTable::note_stats(const AgencyId& agency, const SessionStats& before,
                                const SessionStats& now, UnixMillis at) {
  with(agency, [&](NeighbourStatus& status) {
    status.sent_bytes += now.sent_bytes - before.sent_bytes;
    status.received_bytes += now.received_bytes - before.received_bytes;
    if (now.received_bytes != before.received_bytes) status.last_contact = at;
    if (!now.established) return;
    if (now.rtt) status.rtt_seconds = std::chrono::duration<double>(*now.rtt).count();
    status.pending_out_updates = now.pending_out;
    status.pending_in_updates = now.pending_in;
    status.pending_in_bytes = now.pending_in_bytes;
    const bool drained = now.drained_out && now.drained_in;
    const bool in_sync = drained && !now.doubtful && !now.differs;
    if (in_sync && (!status.in_sync || now.received_bytes != before.received_bytes)) {
      status.caught_up_at = at;
    }
    status.in_sync = in_sync;
    status.comparing = drained && now.doubtful;
    status.differs = now.differs;
    const bool flows =
        now.drained_out || (before.established && now.pending_out < before.pending_out);
    if (flows) status.stands_since = 0;
  });
}

void NeighbourTable::note_standing(const AgencyId& agency, UnixMillis since) {
  with(agency, [&](NeighbourStatus& status) {
    if (status.stands_since == 0) status.stands_since = since;
  });
}

// What the session cannot know: what was written since it last looked, and what waits while it is
// down.
void NeighbourTable::complete(NeighbourStatus& status, const Ends* ends) const {
  const FeedMark updates = replica_.feed_end(FeedKind::kUpdates, status.agency);
  if (status.state == LinkState::kConnected) {
    const bool looked = ends != nullptr && ends->updates == updates &&
                        ends->registry == replica_.feed_end(FeedKind::kRegistry, status.agency);
    if (looked) return;
    status.in_sync = false;
    if (ends != nullptr && updates.number > ends->updates.number) {
      status.pending_out_updates += updates.number - ends->updates.number;
    }
    return;
  }
  status.in_sync = false;
  status.pending_in_updates = status.pending_in_bytes = 0;
  std::uint64_t heard = 0;
  if (status.node) {
    const Cursor cursor = replica_.heard_cursor(FeedKind::kUpdates, *status.node);
    if (cursor.mark.epoch == updates.epoch) heard = std::min(cursor.mark.number, updates.number);
  }
  status.pending_out_updates = updates.number - heard;
  if (status.pending_out_updates > 0)
    status.pending_out_bytes = replica_.feed_bytes(status.agency, heard + 1);
  if (!status.node || updates.number - heard > kEchoesWaitMax) return;
  const auto lines =  // what it delivered itself is nothing that waits
      replica_.feed_lines(status.agency, *status.node, heard + 1, kEchoesWaitMax);
  const auto echoes =
      static_cast<std::uint64_t>(std::ranges::count(lines, true, &FeedLine::echoed));
  status.pending_out_updates -= std::min(status.pending_out_updates, echoes);
  if (status.pending_out_updates == 0) status.pending_out_bytes = 0;
}

std::uint64_t NeighbourTable::pending(const AgencyId& agency) const {
  NeighbourStatus status;
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(agency);
    if (found == known_.end()) return 0;
    status = found->second;
  }
  complete(status, nullptr);
  return status.pending_out_updates;
}

std::vector<NeighbourStatus> NeighbourTable::list() const {
  std::vector<NeighbourStatus> out;
  std::vector<std::optional<Ends>> ends;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [agency, status] : known_) {
      out.push_back(status);
      const auto found = ends_.find(agency);
      ends.push_back(found == ends_.end() ? std::nullopt : std::optional(found->second));
    }
    for (const auto& [code, status] : unknown_) out.push_back(status);
  }
  for (std::size_t i = 0; i < ends.size(); ++i) complete(out[i], ends[i] ? &*ends[i] : nullptr);
  return out;
}

}  // namespace lienthong::agent
