#include "tests/simulation/machine.h"

#include <charconv>
#include <set>

#include "agent/links/credentials.h"
#include "store/office/projections.h"

namespace lienthong::sim {
namespace {

constexpr UnixMillis kStart = 1'680'307'200'000;  // 2023-04-01T00:00:00Z
constexpr Duration kTick{250};
constexpr Duration kBackoffMax{60'000};
constexpr NodeId kEveryone{};

std::uint64_t last_seen(const std::string& detail) {
  std::uint64_t number = 0;
  if (const auto space = detail.rfind(' '); space != std::string::npos)
    std::from_chars(detail.data() + space + 1, detail.data() + detail.size(), number);
  return number;
}

}  // namespace

Machine::Machine(Surroundings world, std::size_t index, const test::TestNode& node,
                 std::vector<Statement> beginnings, std::optional<std::size_t> parent,
                 std::optional<AgencyId> parent_agency, Dice dice)
    : world_(world),
      index_(index),
      node_(node),
      beginnings_(std::move(beginnings)),
      parent_(parent),
      parent_agency_(parent_agency),
      dice_(dice),
      entropy_(dice_.next()) {}

Machine::~Machine() {
  if (on()) crash();
}

UnixMillis Machine::clock() const {
  return kStart + world_.timeline.elapsed().count() + clock_wrong_;
}

std::function<void()> Machine::while_up(std::function<void()> event) {
  return [this, life = life_, event = std::move(event)] {
    if (life == life_) event();
  };
}

// ---- life ----

bool Machine::boot(Disk::Loss loss) {
  LT_CHECK(!on());
  ++life_;
  disk_.boot(loss, dice_.unit());
  store::Identity identity(node_.key);
  identity.agency = node_.agency;
  identity.certificate = node_.certificate;
  store::Options options = store::office_options();
  options.path = "/replica";
  options.env = disk_.env();
  options.entropy = &entropy_;
  options.create = true;
  auto opened = store::Replica::open(options, identity, world_.root);
  if (!opened.ok() && opened.error().code() == Errc::kDiskFull) return false;
  if (!opened.ok()) throw std::runtime_error("open: " + opened.error().message());
  replica_ = *std::move(opened);
  if (!replica_->registry())
    if (auto done = replica_->bootstrap(beginnings_); !done.ok())
      throw std::runtime_error("bootstrap: " + done.error().message());
  Writer::Hooks hooks;
  hooks.clock = [this] { return clock(); };
  hooks.changed = [this] { changed(); };
  hooks.failed = [this] { on_failure(*this); };
  writer_ = std::make_shared<Writer>(*replica_, world_.timeline, dice_.fork(), std::move(hooks));
  world_.network.listen(index_,
                        [this](std::shared_ptr<Stream> stream) { accept(std::move(stream)); });
  tick();
  dialling_ = false;
  failures_ = 0;
  plan_dial(Duration(dice_.between(0, 2000)));
  return true;
}

void Machine::crash() {
  LT_CHECK(on());
  ++life_;
  disk_.stop();
  writer_->stop();
  for (const auto& link : links_) link->abandon();
  links_.clear();
  heal_memories_.clear();
  dialled_.reset();
  sealing_ = grown_again_ = false;
  replica_.reset();
  world_.network.drop_machine(index_);
}

void Machine::tick() {
  world_.timeline.after(kTick, while_up([this] {
                          const auto links = links_;
                          for (const auto& link : links) link->tick();
                          tick();
                        }));
}

// ---- links ----

SessionConfig Machine::session_config() {
  SessionConfig config(node_.dh_key, DhKey(entropy_.array<32>()));
  config.root = world_.root;
  config.agency = node_.agency;
  config.node = node_.id();
  config.credentials = agent::credentials(*replica_->registry(), node_.certificate);
  config.last_session_number = [this](const NodeId& node) {
    return replica_->session_number_seen(node);
  };
  config.heal_memory = [this](const NodeId& node) {
    auto& memory = heal_memories_[node];
    if (!memory) memory = std::make_shared<HealMemory>();
    return memory;
  };
  config.features = features;
  config.heal_entry_count_min = heal_entry_count_min;
  config.program_version = "simulated";
  config.part_bytes_max = dice_.chance(0.3) ? 1024 : 16 * 1024;
  config.window_bytes = dice_.chance(0.3) ? 8 * 1024 : 256 * 1024;
  return config;
}

void Machine::accept(std::shared_ptr<Stream> stream) { adopt(std::move(stream), session_config()); }

std::shared_ptr<OfficeLink> Machine::adopt(std::shared_ptr<Stream> stream, SessionConfig config) {
  auto link = std::make_shared<OfficeLink>(std::move(stream), std::move(config), *this);
  links_.push_back(link);
  link->start();
  return link;
}

bool Machine::stays(const OfficeLink& fresh, const OfficeLink& old) const {
  if (fresh.initiator() == old.initiator()) return true;
  if (fresh.initiator() == (node_.id() < fresh.peer().node)) return true;
  return now() - old.heard_at() > std::chrono::seconds(80);
}

void Machine::link_established(const std::shared_ptr<OfficeLink>& link) {
  const auto links = links_;
  for (const auto& other : links) {
    if (other == link || !other->established() || other->ended()) continue;
    if (other->peer().node != link->peer().node) continue;
    if (!stays(*link, *other)) return link->close(CloseCode::kReplaced, "the other session stays");
    other->close(CloseCode::kReplaced, "a newer session is up");
  }
}

void Machine::link_ended(const std::shared_ptr<OfficeLink>& link) {
  std::erase(links_, link);
  if (link == dialled_.lock())
    dialled(link);
  else if (!dialling_ && parent_ && !connected(*parent_agency_))
    plan_dial(Duration(0));
}

void Machine::saw_part(const OfficeLink& link, FeedKind kind, const EncodedPart& part) {
  if (on_part) on_part(*this, link, kind, part);
}

void Machine::healed(const HealReport& report) {
  ++outcomes_[(report.cursor_lost ? "lost " : "") + std::string(to_string(report.outcome))];
}

void Machine::soon(std::function<void()> event) {
  world_.timeline.after(Duration(0), while_up(std::move(event)));
}

bool Machine::connected(const AgencyId& agency) const {
  return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
    return link->established() && !link->ended() && !link->closing() &&
           link->peer().agency == agency;
  });
}

bool Machine::in_sync_with(const AgencyId& agency) const {
  return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
    if (!link->established() || link->ended() || link->closing() || link->peer().agency != agency)
      return false;
    const SessionStats stats = link->stats();
    return stats.drained_in && stats.drained_out;
  });
}

std::string Machine::describe_links() const {
  std::string out;
  for (const auto& link : links_) {
    const SessionStats stats = link->stats();
    out += " [" + std::string(link->established() ? link->peer().node.short_hex() : "unknown") +
           " in=" + std::to_string(stats.pending_in) + " out=" + std::to_string(stats.pending_out) +
           (stats.drained_in ? " drained_in" : "") + (stats.drained_out ? " drained_out" : "") +
           (link->closing() ? " closing" : "") + "]";
  }
  return out;
}

// Seals what waits for those who are connected, then lets their sessions send.
void Machine::changed() {
  if (sealing_) {
    grown_again_ = true;
    return;
  }
  std::set<AgencyId> agencies;
  for (const auto& link : links_)
    if (link->established()) agencies.insert(link->peer().agency);
  if (agencies.empty()) return;
  sealing_ = true;
  const auto job = [agencies](store::Transaction& transaction) -> Result<void> {
    for (const AgencyId& agency : agencies)
      if (const auto sealed = transaction.seal_pending(agency); !sealed.ok()) return sealed.error();
    return {};
  };
  writer_->post(job, [this](const Result<void>&) {
    sealing_ = false;
    const auto links = links_;
    for (const auto& link : links) link->feed_grown();
    if (std::exchange(grown_again_, false)) changed();
  });
}

// ---- dialling ----

void Machine::plan_dial(Duration wait) {
  if (!parent_ || dialling_) return;
  dialling_ = true;
  world_.timeline.after(wait, while_up([this] { dial(); }));
}

std::optional<DhPublic> Machine::parent_key() const {
  const auto registry = replica_->registry();
  const Certificate* latest = nullptr;
  for (const CertificateId& id : registry->certificates_of(*parent_agency_)) {
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr || !registry->may_connect(certificate->node)) continue;
    if (latest == nullptr || certificate->issued_at > latest->issued_at) latest = certificate;
  }
  return latest == nullptr ? std::nullopt : std::optional(latest->dh_key);
}

void Machine::dial() {
  dialling_ = false;
  if (connected(*parent_agency_)) return;
  dialling_ = true;
  const auto number = std::make_shared<std::uint64_t>(0);
  const auto job = [number](store::Transaction& transaction) {
    *number = transaction.next_session_number(kEveryone);
    return Result<void>();
  };
  writer_->post(job, [this, number](const Result<void>&) {
    const auto life = life_;
    world_.network.dial(index_, *parent_, [this, life, number](std::shared_ptr<Stream> stream) {
      if (life != life_) {
        if (stream) stream->close();
        return;
      }
      if (!stream) return dialled(nullptr);
      SessionConfig config = session_config();
      config.initiator = true;
      config.peer_dh_key = without_key_ ? std::nullopt : parent_key();
      config.expected_agency = *parent_agency_;
      config.session_number = *number;
      named_key_ = config.peer_dh_key.has_value();
      dialled_ = adopt(std::move(stream), std::move(config));
    });
  });
}

// The dial has come to its end; `link` is null when nobody answered.
void Machine::dialled(const std::shared_ptr<OfficeLink>& link) {
  dialling_ = false;
  dialled_.reset();
  const bool replayed = link && link->close_code() == CloseCode::kReplay && link->closed_by_peer();
  if (link && link->established() && !replayed) {
    without_key_ = false;
    failures_ = 0;
  } else if (link) {
    without_key_ = named_key_ && link->close_code() != CloseCode::kReplay;
    if (replayed) {
      const auto job = [seen = last_seen(link->close_detail())](store::Transaction& transaction) {
        transaction.next_session_number(kEveryone, seen);
        return Result<void>();
      };
      writer_->post(job, nullptr);
    }
  }
  if (connected(*parent_agency_)) return;
  const auto cap =
      std::min<std::int64_t>(kBackoffMax.count(), std::int64_t{1000} << std::min(failures_++, 6));
  plan_dial(Duration(dice_.between(0, cap)));
}

}  // namespace lienthong::sim
