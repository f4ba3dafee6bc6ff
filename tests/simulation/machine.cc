#include "tests/simulation/machine.h"

#include <algorithm>
#include <limits>

#include "store/exchange/calling.h"
#include "store/exchange/invitation.h"
#include "store/office/projections.h"

namespace lienthong::sim {
namespace {

constexpr UnixMillis kStart = 1'680'307'200'000;  // 2023-04-01T00:00:00Z
constexpr Duration kBackoffMax{60'000};
constexpr std::size_t kSealFirstMax = 512;  // before a dial, as the daemon does

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

std::unique_ptr<Machine> Machine::clone(std::size_t index, Dice dice) const {
  auto out =
      std::make_unique<Machine>(world_, index, node_, beginnings_, parent_, parent_agency_, dice);
  out->disk_.stop();
  out->disk_.restore(*disk_.copy());
  return out;
}

void Machine::replace(const test::TestNode& node) {
  LT_CHECK(!on());
  ++life_;
  node_ = node;
  beginnings_.clear();
  token_.reset();
  disk_.wipe();
  disk_replaced();
  touched_.clear();
  failures_ = 0;
  without_key_ = false;
}

UnixMillis Machine::clock() const {
  const std::int64_t elapsed = world_.timeline.elapsed().count();
  return kStart + elapsed + elapsed * drift_ / 1'000'000 + clock_wrong_;
}

std::function<void()> Machine::while_up(std::function<void()> event) {
  return [this, life = life_, event = std::move(event)] {
    if (life == life_) guard(event);
  };
}

// Reading fails by an exception, which ends the process.
void Machine::guard(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::runtime_error& error) {
    if (rotten_)
      found_rotten_ = true;
    else if (!disk_.read_failed())
      on_broken("a machine stopped by itself", error.what());
    world_.timeline.after(Duration(0), [this, life = life_] {
      if (life == life_ && on()) on_failure(*this);
    });
  }
}

// ---- life ----

bool Machine::boot(Disk::Loss loss) {
  LT_CHECK(!on());
  ++life_;
  disk_.boot(loss, dice_);
  if (released_ && life_ > 1 && dice_.chance(0.3)) upgrade();
  if (rotten_)
    open_rotten();
  else
    open_replica();
  if (!on()) return false;
  disk_.catch_up();
  check_held();
  Writer::Hooks hooks;
  hooks.clock = [this] { return clock(); };
  hooks.committed = [this] {
    disk_.catch_up();
    note_held();
  };
  hooks.guard = [this](const std::function<void()>& work) { guard(work); };
  hooks.slowness = [this] { return slowness_; };
  hooks.changed = [this] { peers_->grown(); };
  hooks.failed = [this] { on_failure(*this); };
  hooks.spoiled = [this](const Error& error) {
    if (rotten_) {
      found_rotten_ = true;
      writer_->stop();
      on_failure(*this);
    } else if (!disk_.read_failed()) {
      on_broken("a commit was spoiled", error.message());
    }
  };
  hooks.refusal = [this] {
    return no_room_ ? std::optional(Error(Errc::kDiskFull, "no room is left")) : std::nullopt;
  };
  writer_ = std::make_shared<Writer>(*replica_, world_.timeline, dice_.fork(), std::move(hooks));
  store::PeersConfig config(node_.dh_key);
  config.program_version = "simulated";
  // Sealing goes on over several commits.
  config.seal_at_once = dice_.chance(0.5) ? 1 + dice_.below(3) : store::kSealAtOnceMax;
  peers_ = std::make_shared<store::Peers>(*replica_, *writer_, entropy_, std::move(config));
  world_.network.listen(index_,
                        [this](std::shared_ptr<Stream> stream) { accept(std::move(stream)); });
  tick();
  dialling_ = false;
  failures_ = 0;
  plan_dial(Duration(dice_.between(0, 2000)));
  return true;
}

// What opens may still not read back where it is needed first.
void Machine::open_rotten() {
  try {
    if (!found_rotten_) {
      open_replica();
      if (!on()) return;
      check_held();
      return;
    }
  } catch (const std::runtime_error&) {
    replica_.reset();
  }
  disk_.let_go();
  replica_.reset();
  disk_.boot(Disk::Loss::kNothing, dice_);
  if (released_) upgrade();  // what salvages is this program
  salvage();
  open_replica();
}

// Leaves it closed where the disk has no room.
void Machine::open_replica() {
  store::Identity identity(node_.key);
  identity.agency = node_.agency;
  identity.certificate = node_.certificate;
  store::Options options = store::office_options();
  options.path = "/replica";
  options.env = disk_.env();
  options.entropy = &entropy_;
  options.create = true;
  if (released_) options.projections = {store::office_projection, store::marks_projection};
  if (dice_.chance(0.5)) options.fill_records_max = static_cast<std::uint32_t>(1 + dice_.below(5));
  auto opened = store::Replica::open(options, identity, world_.root);
  if (!opened.ok() && (opened.error().code() == Errc::kDiskFull || disk_.read_failed())) return;
  if (!opened.ok()) throw std::runtime_error("open: " + opened.error().message());
  replica_ = *std::move(opened);
  if (!replica_->registry())
    if (auto done = replica_->bootstrap(beginnings_); !done.ok())
      throw std::runtime_error("bootstrap: " + done.error().message());
}

void Machine::begin_released() {
  released_ = true;
  features = kFeatureHealing;
}

void Machine::upgrade() {
  released_ = false;
  features = kFeaturesOfThisProgram;
  ++upgraded_;
}

// ---- what the disk must have ----

void Machine::disk_replaced() {
  held_.clear();
  noted_ = 0;
}

void Machine::note_held() {
  for (;;) {
    const store::ChangePage page = replica_->change_events(noted_, 256);
    for (const store::ChangeEvent& event : page.events) {
      if (event.kind == store::ChangeKind::kUpdate) held_.insert(event.update);
      if (event.kind == store::ChangeKind::kWithdrawn) held_.erase(event.update);
      touched_.insert(event.record);
    }
    if (page.last <= noted_) break;
    noted_ = page.last;
  }
  world_.timeline.note(index_ << 8 | 1, as_bytes(std::to_string(noted_)));
}

// All of it is asked for at the end; here the last that was written, and some.
void Machine::check_held() {
  disk_.set_calm(true);
  const bool cut = replica_->last_change() < noted_;
  std::size_t missing = 0, step = 1 + held_.size() / 16, at = 0;
  for (const UpdateId& id : held_)
    if (cut || at++ % step == 0) missing += !replica_->find_update(id);
  if (cut && missing == 0) missing = 1;
  if (missing > 0)
    on_broken("acknowledged changes are gone after a start",
              "machine " + std::to_string(index_) + " had told of change " +
                  std::to_string(noted_) + ", " + std::to_string(missing) + " are missing");
  note_held();
  disk_.set_calm(false);
}

void Machine::crash() {
  LT_CHECK(on());
  ++life_;
  disk_.stop();
  disk_.let_go();
  writer_->stop();
  peers_->stop();
  for (const auto& link : links_) link->abandon();
  links_.clear();
  dialled_.reset();
  peers_.reset();
  replica_.reset();
  world_.network.drop_machine(index_);
}

void Machine::tick() {
  world_.timeline.after(tick_every, while_up([this] {
                          const auto links = links_;
                          for (const auto& link : links) link->tick();
                          tick();
                        }));
}

// ---- enrolment ----

void Machine::invite(const std::string& code, std::function<void(const Token&)> done) {
  const auto token = std::make_shared<Token>();
  token->root = world_.root;
  token->parent_dh_key = node_.dh_key.public_key();
  token->invite = entropy_.array<8>();
  token->secret = entropy_.array<32>();
  token->expires_at = std::numeric_limits<UnixMillis>::max();  // clocks go wrong here
  const auto job = [this, token, code](store::Transaction& transaction) -> Result<void> {
    store::Invitation invitation;
    // One that is there already is taken as it is called now, whatever it was declared as.
    const bool known = transaction.registry().agency_named(code).ok();
    LT_TRY(invitation.agency, store::find_or_declare(transaction, code, known ? "" : "Xã " + code,
                                                     known ? "" : "commune", entropy_));
    token->agency = invitation.agency;
    invitation.secret = token->secret;
    invitation.expires_at = token->expires_at;
    transaction.set_local_value(store::invitation_key(token->invite),
                                store::encode_invitation(invitation));
    return {};
  };
  writer_->write(job, [token, done = std::move(done)](const Result<void>& result) {
    if (result) done(*token);
  });
}

void Machine::enrol(const Token& token, std::size_t parent) {
  token_ = token;
  parent_ = parent;
  knock();
}

// One attempt, and while it says nothing for long another: its answer may have got lost.
void Machine::knock() {
  if (enrolled()) return;
  const std::size_t attempt = ++knocks_;
  const auto again = [this, attempt] {
    if (attempt == knocks_) knock();
  };
  world_.timeline.after(Duration(dice_.between(10'000, 60'000)), again);
  world_.network.dial(index_, *parent_, [this, attempt](std::shared_ptr<Stream> stream) {
    if (!stream) return;
    if (attempt != knocks_ || enrolled()) return stream->close();
    const auto done = [this, attempt](const GrantedNode* granted) {
      if (attempt == knocks_) knocked(granted);
    };
    std::make_shared<Knock>(std::move(stream), *token_, NodeKeys{node_.key, node_.dh_key},
                            DhKey(entropy_.array<32>()), done)
        ->start();
  });
}

void Machine::knocked(const GrantedNode* granted) {
  if (granted == nullptr || enrolled()) return;
  ++knocks_;
  ++sights_["machines enrolled"];
  node_.agency = granted->agency;
  node_.certificate = granted->certificate_id;
  parent_agency_ = granted->registry->parent(granted->agency, granted->registry->newest());
  beginnings_ = make_grant(*granted->registry, granted->certificate_id).statements;
  LT_CHECK(boot());
}

// ---- links ----

// The first two bytes say whether it is a session or somebody to be enrolled.
void Machine::accept(std::shared_ptr<Stream> stream) {
  const auto came = std::make_shared<Bytes>();
  stream->on_bytes = [this, life = life_, came, stream](ByteView bytes) {
    if (life != life_) return;
    came->insert(came->end(), bytes.begin(), bytes.end());
    if (came->size() < kEnrolmentPreamble.size()) return;
    guard([this, line = stream, first = *came] { greet(line, first); });
  };
  stream->on_end = [stream] { stream->on_bytes = nullptr; };
}

void Machine::greet(const std::shared_ptr<Stream>& line, const Bytes& first) {
  if (!std::ranges::equal(ByteView(first).first(kEnrolmentPreamble.size()), kEnrolmentPreamble))
    return static_cast<void>(adopt(line, peers_->answering(), first));
  const auto guarded = [this](const std::function<void()>& work) { guard(work); };
  std::make_shared<Door>(
      line, *replica_, *writer_, node_.dh_key, DhKey(entropy_.array<32>()),
      [this] { return clock(); }, guarded)
      ->start(first);
}

std::shared_ptr<SimLink> Machine::adopt(std::shared_ptr<Stream> stream, SessionConfig config,
                                        ByteView first) {
  config.features = features;
  config.heal_entry_count_min = heal_entry_count_min;
  config.part_bytes_max = dice_.chance(0.3) ? 1024 : 16 * 1024;
  if (dice_.chance(0.3)) config.window_bytes = 8 * 1024;
  auto link = std::make_shared<SimLink>(std::move(stream), std::move(config), *this);
  links_.push_back(link);
  link->start(first);
  return link;
}

void Machine::link_ended(const std::shared_ptr<SimLink>& link) {
  std::erase(links_, link);
  if (link->driver().close_code() == CloseCode::kReplaced) ++sights_["sessions replaced"];
  if (link == dialled_.lock())
    dialled(link);
  else if (!dialling_ && parent_ && !connected(*parent_agency_))
    plan_dial(Duration(0));
}

void Machine::saw_part(const SimLink& link, const StorePart& part) {
  if (part.may_repeat) ++sights_["parts of first messages"];
  if (part.urgent) ++sights_["urgent parts"];
  if (on_part) on_part(*this, link, part);
}

void Machine::saw(const SimLink& /*link*/, const store::Observation& what) {
  if (const auto* report = std::get_if<HealReport>(&what)) {
    ++outcomes_[(report->cursor_lost ? "lost " : "") + std::string(to_string(report->outcome))];
  } else if (const auto* stored = std::get_if<store::PartStored>(&what)) {
    sights_["entries that came"] += stored->outcome.added;
    sights_["entries that came twice"] += stored->outcome.duplicates;
  } else if (std::holds_alternative<store::PartUnclear>(what)) {
    ++sights_["unclear parts"];
  } else if (std::holds_alternative<store::StoreFailed>(what)) {
    ++sights_["failures to store"];
  } else if (std::holds_alternative<store::CaughtUpAfterRestore>(what)) {
    ++sights_["restored copies caught up"];
  } else if (const auto* lanes = std::get_if<PeerLanes>(&what); lanes && lanes->closed != 0) {
    ++sights_["lanes closed by a peer"];
  } else if (std::holds_alternative<PeerRefused>(what)) {
    ++sights_["refused by a peer"];
  }
}

void Machine::after(Duration wait, std::function<void()> event) {
  world_.timeline.after(wait, while_up(std::move(event)));
}

bool Machine::connected(const AgencyId& agency) const { return peers_->connected(agency); }

bool Machine::in_sync_with(const AgencyId& agency) const {
  return std::ranges::any_of(links_, [&](const auto& link) {
    const store::Driver& driver = link->driver();
    if (!driver.live() || driver.ended() || driver.closing() || driver.peer().agency != agency)
      return false;
    const SessionStats stats = driver.stats();
    return stats.drained_in && stats.drained_out && !stats.doubtful;
  });
}

std::string Machine::describe_links() const {
  std::string out;
  for (const auto& link : links_) {
    const store::Driver& driver = link->driver();
    const SessionStats stats = driver.stats();
    out += " [" + std::string(driver.live() ? driver.peer().node.short_hex() : "unknown") +
           " in=" + std::to_string(stats.pending_in) + " out=" + std::to_string(stats.pending_out) +
           (stats.doubtful ? " doubtful" : "") + (stats.drained_in ? " drained_in" : "") +
           (stats.drained_out ? " drained_out" : "") + (driver.closing() ? " closing" : "") + "]";
  }
  return out;
}

// ---- dialling ----

void Machine::plan_dial(Duration wait) {
  if (!parent_ || dialling_) return;
  dialling_ = true;
  world_.timeline.after(wait, while_up([this] { dial(); }));
}

void Machine::dial() {
  dialling_ = false;
  if (connected(*parent_agency_)) return;
  dialling_ = true;
  named_key_ = !without_key_;
  reach(*parent_, *parent_agency_, !without_key_, [this](const std::shared_ptr<SimLink>& link) {
    if (!link) return dialled(nullptr);
    dialled_ = link;
  });
}

void Machine::move(std::size_t parent, const AgencyId& agency) {
  const auto before = std::exchange(parent_agency_, agency);
  parent_ = parent;
  if (before == parent_agency_) return;
  const auto links = links_;
  for (const auto& link : links)
    if (link->driver().known() && link->driver().peer().agency == before)
      link->driver().close(CloseCode::kGoingAway, "it calls another superior");
  plan_dial(Duration(0));
}

void Machine::call(std::size_t machine, const AgencyId& agency) {
  reach(machine, agency, true, [](const std::shared_ptr<SimLink>&) {});
}

void Machine::reach(std::size_t machine, const AgencyId& agency, bool with_key,
                    std::function<void(const std::shared_ptr<SimLink>&)> done) {
  const auto number = std::make_shared<std::uint64_t>(0);
  writer_->post(store::seal_at_most(agency, kSealFirstMax), nullptr);
  const auto reached = [this, life = life_, agency, with_key, number,
                        done](std::shared_ptr<Stream> stream) {
    if (life != life_) {
      if (stream) stream->close();
      return;
    }
    if (!stream) return done(nullptr);
    guard([&] {
      const auto callee = with_key ? store::callee_of(*replica_, agency) : std::nullopt;
      done(adopt(stream, peers_->dialling(agency, callee, *number)));
    });
  };
  const auto numbered = [this, machine, done, reached](const Result<void>& result) {
    if (!result) return done(nullptr);
    world_.network.dial(index_, machine, reached);
  };
  writer_->post(store::take_session_number(number), numbered);
}

// The dial has come to its end; `link` is null when nobody answered.
void Machine::dialled(const std::shared_ptr<SimLink>& link) {
  dialling_ = false;
  dialled_.reset();
  if (link) {
    const store::Driver& driver = link->driver();
    const bool replayed = store::refused_as_replay(driver.close_code(), driver.closed_by_peer());
    if (driver.live() && !replayed) {
      without_key_ = false;
      failures_ = 0;
    } else {
      without_key_ = named_key_ && driver.close_code() != CloseCode::kReplay;
    }
    if (replayed) writer_->post(store::skip_session_numbers(driver.close_detail()), nullptr);
  }
  if (connected(*parent_agency_)) return;
  const auto cap =
      std::min<std::int64_t>(kBackoffMax.count(), std::int64_t{1000} << std::min(failures_++, 6));
  plan_dial(Duration(dice_.between(0, cap)));
}

}  // namespace lienthong::sim
