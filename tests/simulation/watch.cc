#include "tests/simulation/watch.h"

#include <algorithm>

#include "tests/simulation/beyond.h"
#include "tests/simulation/opinion.h"

namespace lienthong::sim {
namespace {

constexpr std::chrono::minutes kStandstillMax{5};
constexpr Duration kSecondLook{5'000};
constexpr std::size_t kJobsMax = 2'000;              // that wait for one writer
constexpr std::size_t kUnsentBytesMax = 512U << 10;  // in one direction of a connection
constexpr int kTrespassMax = 6;                      // looks

std::string name(const Machine& machine) { return "machine " + std::to_string(machine.index()); }

}  // namespace

template <class Work>
void Watch::in_peace(Machine& machine, const Work& work) {
  if (!machine.on()) return;
  machine.disk().set_calm(true);
  machine.guard(work);
  machine.disk().set_calm(false);
}

void Watch::start(Duration between) {
  for (const auto& machine : scene_.machines) watch(*machine);
  if (between.count() <= 0) return;
  scene_.timeline.after(between, [this, between] {
    look();
    start(between);
  });
}

void Watch::watch(Machine& machine) {
  machine.on_broken = [this](const std::string& kind, const std::string& what) {
    scene_.findings.add(kind, what);
  };
}

void Watch::look() {
  for (const auto& machine : scene_.machines)
    in_peace(*machine, [&] {
      look_at_records(*machine, opinions_ / scene_.machines.size() + 1);
      look_at_links(*machine);
      look_at_queues(*machine);
      look_at_neighbours(*machine);
    });
  look_for_trespassers();
}

void Watch::finish() {
  for (const auto& machine : scene_.machines)
    in_peace(*machine, [&] { look_at_records(*machine, 2 * opinions_); });
}

// ---- records ----

void Watch::look_at_records(Machine& machine, std::size_t opinions) {
  const std::set<RecordId> touched = machine.take_touched();
  std::size_t left = touched.size();
  for (const RecordId& id : touched) {
    const auto entry = machine.replica().find_record(id);
    const bool asked = opinions_ > 0 && dice_.below(left--) < opinions;
    if (!entry) continue;
    look_at_record(machine, *entry);
    if (!asked) continue;
    --opinions;
    ++opinions_given_;
    const std::string other = second_opinion(machine.replica(), *entry);
    if (!other.empty())
      scene_.findings.add("the custody model says otherwise", name(machine), ", record ",
                          id.short_hex(), ":", other);
  }
}

void Watch::look_at_record(const Machine& machine, const store::RecordEntry& entry) {
  const RecordState& state = entry.state;
  const auto first = machine.replica().find_update(id_cast<UpdateId>(state.record));
  if (first && scene_.hostile.contains(first->node)) return;
  if (state.chain.empty() && begins_beyond_a_cut(state)) return;
  if (state.chain.empty() || state.holder.is_zero())
    return scene_.findings.add("a record without a custodian", name(machine), ", record ",
                               state.record.short_hex());
  auto& audience = audiences_[state.record];
  for (const AgencyId& agency : machine.replica().audience_of(state)) audience.insert(agency);
  if (!audience.contains(machine.agency()) && machine.replica().registry()->newest() == 0)
    trespassers_.try_emplace({machine.index(), state.record});
}

// Whoever admits a machine to a record may be off, or set back, or have told it a moment ago.
void Watch::look_for_trespassers() {
  for (auto at = trespassers_.begin(); at != trespassers_.end();) {
    const auto& [index, record] = at->first;
    const Machine& machine = *scene_.machines[index];
    const bool gone = !machine.on() || !machine.replica().find_record(record);
    const bool proved =
        !gone && !audiences_[record].contains(machine.agency()) && ++at->second >= kTrespassMax;
    if (proved)
      scene_.findings.add("somebody holds what is not theirs", name(machine), ", record ",
                          record.short_hex());
    const bool over = gone || proved || audiences_[record].contains(machine.agency());
    at = over ? trespassers_.erase(at) : std::next(at);
  }
}

// ---- links ----

// What is to be sent over a link that is up is acknowledged sooner or later.
void Watch::look_at_links(const Machine& machine) {
  for (const auto& link : machine.links()) {
    const store::Driver& driver = link->driver();
    if (!driver.live() || driver.ended() || driver.closing()) continue;
    const auto peer = std::ranges::find_if(scene_.machines, [&](const auto& other) {
      return other->enrolled() && other->node().id() == driver.peer().node;
    });
    if (peer == scene_.machines.end()) continue;
    const std::size_t other = (*peer)->index();
    Progress& progress = progress_[{machine.index(), other}];
    const std::uint64_t pending = driver.stats().pending_out;
    const std::uint64_t end =
        machine.replica().feed_end(FeedKind::kUpdates, driver.peer().agency).number +
        machine.replica().feed_end(FeedKind::kRegistry, driver.peer().agency).number;
    const std::uint64_t acknowledged = end - std::min(end, pending);
    const bool good = (*peer)->on() && machine.unhindered() && (*peer)->unhindered() &&
                      scene_.network.good(machine.index(), other);
    if (!good || progress.pending == 0 || progress.link != link.get() ||
        progress.acknowledged != acknowledged)
      progress = {link.get(), acknowledged, pending, scene_.timeline.now()};
    progress.pending = pending;  // what came since the look before has had no time yet
    if (pending == 0) continue;
    if (scene_.timeline.now() - progress.since < kStandstillMax) continue;
    progress.since = scene_.timeline.now();
    scene_.findings.add("a session stands still", name(machine), " has ", std::to_string(pending),
                        " for machine ", std::to_string(other), ":", machine.describe_links(), " |",
                        (*peer)->describe_links());
  }
}

void Watch::look_at_queues(const Machine& machine) {
  if (machine.writer().waiting() > kJobsMax)
    scene_.findings.add("a queue grows", name(machine), ": ",
                        std::to_string(machine.writer().waiting()), " jobs wait");
  for (const auto& link : machine.links())
    if (link->unsent() > kUnsentBytesMax)
      scene_.findings.add("a queue grows", name(machine), ": ", std::to_string(link->unsent()),
                          " bytes of a connection wait");
}

// ---- whether "in sync" is true ----

std::optional<Watch::Suspicion> Watch::differ(const Machine& child) const {
  if (!child.on() || !child.parent()) return std::nullopt;
  const Machine& parent = *scene_.machines[*child.parent()];
  if (!parent.on() || !child.writer().idle() || !parent.writer().idle()) return std::nullopt;
  if (!child.in_sync_with(parent.agency()) || !parent.in_sync_with(child.agency()))
    return std::nullopt;
  const auto up = child.replica().feed_digest(FeedKind::kUpdates, parent.agency());
  const auto down = parent.replica().feed_digest(FeedKind::kUpdates, child.agency());
  if (!up || !down || up->same_set(*down)) return std::nullopt;
  return Suspicion{up->mark, down->mark};
}

void Watch::look_at_neighbours(const Machine& child) {
  if (!child.parent()) return;
  Machine& parent = *scene_.machines[*child.parent()];
  in_peace(parent, [&] {
    if (const auto suspicion = differ(child))
      scene_.timeline.after(
          kSecondLook, [this, index = child.index(), suspicion] { look_again(index, *suspicion); });
  });
}

// Nothing has changed since, and both still say so.
void Watch::look_again(std::size_t index, const Suspicion& suspicion) {
  Machine& child = *scene_.machines[index];
  if (!child.parent()) return;
  Machine& parent = *scene_.machines[*child.parent()];
  in_peace(child, [&] {
    in_peace(parent, [&] {
      const auto now = differ(child);
      if (!now || now->up != suspicion.up || now->down != suspicion.down) return;
      scene_.findings.add("in sync, and they differ", name(child), " and ", name(parent), " at ",
                          std::to_string(scene_.timeline.elapsed() / std::chrono::seconds(1)),
                          " s:", child.describe_links(), " |", parent.describe_links());
    });
  });
}

}  // namespace lienthong::sim
