#include "store/exchange/peers.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/session/hello.h"
#include "store/exchange/credentials.h"
#include "store/exchange/lives.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kIntakeAtOnce = 32;  // neighbours that send us their backlog
constexpr std::chrono::seconds kSealAgain{2};

}  // namespace

Peers::Peers(const Replica& replica, Writer& writer, Entropy& entropy, PeersConfig config)
    : replica_(replica),
      writer_(writer),
      entropy_(entropy),
      config_(std::move(config)),
      intake_(kIntakeAtOnce) {}

// ---- what a session begins with ----

SessionConfig Peers::begin() {
  SessionConfig config(config_.dh_key, DhKey(entropy_.array<32>()));
  config.root = replica_.root();
  config.agency = replica_.identity().agency;
  config.node = replica_.identity().node;
  config.certificate = replica_.identity().certificate;
  config.credentials = credentials(*replica_.registry(), replica_.identity().certificate);
  config.last_session_number = [&replica = replica_](const NodeId& node) {
    return replica.session_number_seen(node);
  };
  config.blobs = config_.blobs;
  config.heal_memory = [this](const NodeId& node) {
    auto& memory = heal_memories_[node];
    if (!memory) memory = std::make_shared<HealMemory>();
    return memory;
  };
  config.tables = tables_;
  config.start = config_.start;
  config.start_told = [&replica = replica_, start = config_.start](const NodeId& node) {
    return life_for(replica, start, node).before;
  };
  config.program_version = config_.program_version;
  config.heartbeat = config_.heartbeat;
  config.dead_after = config_.dead_after;
  config.paced = true;
  std::size_t granted = 0;
  for (const Driver* driver : drivers_) granted += driver->granted();
  config.window_bytes = window_beside(granted, callers());
  return config;
}

SessionConfig Peers::answering() {
  SessionConfig config = begin();
  config.history_waits = [this] { return intake_.sending() >= kIntakeAtOnce; };
  return config;
}

SessionConfig Peers::dialling(const AgencyId& agency, const std::optional<Callee>& callee,
                              std::uint64_t session_number) {
  SessionConfig config = begin();
  config.initiator = true;
  if (callee) {
    config.peer_dh_key = callee->dh_key;
    config.peer_certificate = callee->certificate;
    config.root = replica_.registry()->root_of(callee->certificate);
  } else if (const auto machines = replica_.registry()->certificates_of(agency);
             !machines.empty()) {
    config.root = replica_.registry()->root_of(machines.front());
  }
  config.expected_agency = agency;
  config.session_number = session_number;
  // What a session has sent that stands still is on its way.
  if (callee && !connected(agency)) {
    if (const auto peer = identity_under(*replica_.registry(), callee->certificate))
      first_messages_.prepare(config, replica_, *peer);
  }
  return config;
}

std::size_t Peers::callers() const {
  const auto registry = replica_.registry();
  if (registry == counted_) return callers_;
  counted_ = registry;
  callers_ = 1;  // our parent's
  for (const AgencyId& child : registry->children(replica_.identity().agency, registry->newest()))
    callers_ += registry->certificates_of(child).size();
  return callers_;
}

// ---- who is there ----

void Peers::joined(Driver& driver) { drivers_.push_back(&driver); }

void Peers::left(Driver& driver) {
  std::erase(drivers_, &driver);
  turns_.leave(&driver);
  intake_.leave(&driver);
  if (driver.dialled() && !driver.live())
    first_messages_.swallowed(*driver.dialled(), driver.early_ends());
  if (driver.live()) first_messages_.session_ended(driver.peer().node, driver.sent_tops());
}

std::vector<std::shared_ptr<Driver>> Peers::drivers() const {
  std::vector<std::shared_ptr<Driver>> out;
  for (Driver* driver : drivers_) out.push_back(driver->shared_from_this());
  return out;
}

bool Peers::connected(const AgencyId& agency) const {
  return std::ranges::any_of(drivers_, [&](const Driver* driver) {
    return driver->live() && !driver->closing() && driver->peer().agency == agency;
  });
}

// Of two sessions with one machine: if one side dialled both, the newer; else the lower key's dial,
// unless it has been silent for a heartbeat.
bool Peers::stays(const Driver& fresh, const Driver& old, Instant now) const {
  if (fresh.initiator() == old.initiator()) return true;
  const bool we_are_lower = replica_.identity().node < fresh.peer().node;
  if (fresh.initiator() == we_are_lower) return true;
  return now - old.heard_at() > config_.heartbeat + config_.dead_after;
}

bool Peers::came_up(Driver& driver, Instant now) {
  first_messages_.came_up(driver.peer().agency);
  for (const auto& other : drivers()) {
    if (other.get() == &driver || !other->live() || other->peer().node != driver.peer().node)
      continue;
    if (!stays(driver, *other, now)) {
      driver.close(CloseCode::kReplaced, "the other session stays");
      return false;
    }
    other->close(CloseCode::kReplaced, "a newer session is up");
  }
  return true;
}

bool Peers::backlog_turn(const Driver& driver, bool has_backlog, Instant now) {
  if (has_backlog) return turns_.take(&driver, now);
  turns_.leave(&driver);
  return false;
}

bool Peers::intake_turn(const Driver& driver, bool wants, Instant now) {
  if (wants) return intake_.take(&driver, now);
  intake_.leave(&driver);
  return true;
}

// ---- what was written ----

void Peers::grown() {
  if (sealing_) {
    grown_again_ = true;
    return;
  }
  std::set<AgencyId> agencies;
  for (const Driver* driver : drivers_) {
    if (driver->live()) agencies.insert(driver->peer().agency);
  }
  if (agencies.empty() || stopped_) return;
  sealing_ = true;
  const auto more = std::make_shared<bool>(false);
  const auto job = [agencies, more,
                    limit = config_.seal_at_once](Transaction& transaction) -> Result<void> {
    *more = transaction.fill_feeds();
    for (const AgencyId& agency : agencies) {
      const auto sealed = transaction.seal_pending(agency, limit);
      if (!sealed) return sealed.error();
      *more = *more || *sealed == limit;
    }
    return {};
  };
  writer_.post(job, [self = shared_from_this(), more](const Result<void>& result) {
    self->sealing_ = false;
    self->seal_failed_ = !result;
    if (!result && self->config_.on_error) self->config_.on_error(result.error());
    for (const auto& driver : self->drivers()) driver->feed_grown();
    if (std::exchange(self->grown_again_, false) || (result && *more)) self->grown();
  });
}

// What is written wakes it, but what could not be sealed then would wait for the next change.
void Peers::seal_again(Instant now) {
  if (!seal_failed_ || sealing_) return;
  if (!seal_again_from_) seal_again_from_ = now + kSealAgain;
  if (now < *seal_again_from_) return;
  seal_again_from_.reset();
  grown();
}

}  // namespace lienthong::store
