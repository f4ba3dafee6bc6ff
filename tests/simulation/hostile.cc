#include "tests/simulation/hostile.h"

#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/exchange/credentials.h"
#include "tests/support/session_pair.h"

namespace lienthong::sim {
namespace {

constexpr std::size_t kPlace = 2'000'000;  // in the network: no machine of the province
constexpr std::size_t kPurseMax = 400;
constexpr std::size_t kLoadMax = 60;  // units of one session
constexpr std::int64_t kYear = 365LL * 86'400'000;

SealedUnit unit_of(const Seal& seal, const std::vector<Update>& updates) {
  SealedUnit unit;
  unit.seal = seal;
  for (std::size_t i = 0; i < updates.size(); ++i)
    unit.leaves.push_back(SealedLeaf{static_cast<std::uint16_t>(i), updates[i]});
  return unit;
}

}  // namespace

// What it says that it has of its superior's feed.
Cursor Hostile::made_up_cursor() {
  Cursor out;
  const int lie = static_cast<int>(dice_.below(4));
  if (lie == 0) return out;
  out.mark = FeedMark{dice_.next(), dice_.below(200), dice_.next()};
  if (lie == 1) out.add(out.mark.epoch, out.mark.number + 3, out.mark.number + 9, dice_.next());
  return out;
}

// One session.
class Hostile::Talk : public std::enable_shared_from_this<Talk> {
 public:
  Talk(std::shared_ptr<Stream> stream, SessionConfig config,
       std::unique_ptr<test::FakeReplica> view, Timeline& timeline, Dice dice)
      : stream_(std::move(stream)),
        view_(std::move(view)),
        timeline_(timeline),
        dice_(dice),
        habit_(static_cast<Habit>(dice_.below(4))),
        session_(*view_, std::move(config), timeline.now()) {}

  void start() {
    const auto weak = weak_from_this();
    stream_->on_bytes = [weak](ByteView bytes) {
      const auto self = weak.lock();
      if (!self || self->session_.closed()) return;
      (void)self->session_.on_bytes(bytes, self->timeline_.now()).ok();
      self->perform();
    };
    perform();
    tick();
  }
  void stop() {
    stopped_ = true;
    stream_->on_bytes = nullptr;
    stream_->close();
  }

 private:
  enum class Habit { kStores, kLies, kIsSilent, kFails };  // of what it is sent

  void tick() {
    timeline_.after(Duration(500), [self = shared_from_this()] {
      if (self->stopped_) return;
      self->session_.on_tick(self->timeline_.now());
      self->perform();
      self->tick();
    });
  }
  void perform() {
    for (;;) {
      auto actions = session_.take_actions();
      if (actions.empty()) return;
      for (Action& action : actions) perform(action);
    }
  }
  void perform(Action& action) {
    if (auto* send = std::get_if<SendBytes>(&action)) {
      if (!dice_.chance(0.01)) return stream_->send(send->bytes);
      stream_->close();  // in the middle of something
    } else if (auto* fact = std::get_if<Established>(&action)) {
      peer_ = fact->node;
    } else if (const auto* part = std::get_if<StorePart>(&action)) {
      store(*part);
    } else if (const auto* set = std::get_if<SetCursor>(&action)) {
      Cursor cursor;
      cursor.mark = set->mark;
      session_.on_cursor_set(set->kind, cursor, timeline_.now());
    } else if (std::holds_alternative<HealWork>(action)) {
      timeline_.after(Duration(0), [self = shared_from_this()] {
        if (self->stopped_) return;
        self->session_.on_heal_work(self->timeline_.now());
        self->perform();
      });
    }
  }
  void store(const StorePart& part) {
    if (habit_ == Habit::kIsSilent) return;
    if (habit_ == Habit::kFails)
      return session_.on_store_failed(part.token, Error(Errc::kDiskFull, "hostile"),
                                      timeline_.now());
    FeedPart covered;
    covered.epoch = part.part.epoch;
    covered.covered = part.part.covered;
    Cursor cursor = view_->store(part.kind, peer_, covered);
    if (habit_ == Habit::kLies) {
      cursor.mark.number += dice_.below(40);
      if (dice_.chance(0.3)) cursor.mark.hash ^= 1;
      if (dice_.chance(0.2))
        cursor.add(part.part.epoch, cursor.mark.number + 2, std::uint64_t{1} << 40, 7);
    }
    session_.on_stored(part.token, cursor, {}, "", timeline_.now());
  }

  std::shared_ptr<Stream> stream_;
  std::unique_ptr<test::FakeReplica> view_;
  Timeline& timeline_;
  Dice dice_;
  Habit habit_;
  Session session_;
  NodeId peer_;
  bool stopped_ = false;
};

Hostile::Hostile(Timeline& timeline, Network& network, test::TestDeployment& deployment,
                 const std::vector<std::unique_ptr<Machine>>& machines, Dice dice)
    : timeline_(timeline),
      network_(network),
      deployment_(deployment),
      machines_(machines),
      dice_(dice) {}
Hostile::~Hostile() = default;

void Hostile::add(test::TestNode& node, std::size_t parent) {
  offices_.push_back(std::make_unique<Office>(Office{&node, parent, {}, {}}));
  nodes_.insert(node.id());
}

std::map<std::string, std::size_t> Hostile::sights() const {
  std::size_t held = 0;
  for (const UpdateId& id : made_)
    held += std::ranges::any_of(machines_, [&](const auto& machine) {
      return machine->on() && machine->replica().find_update(id).has_value();
    });
  return {{"hostile sessions", sessions_},
          {"hostile updates", made_.size()},
          {"hostile updates held", held},
          {"hostile statements", statements_}};
}

void Hostile::start() {
  for (const auto& office : offices_) plan(*office);
}

void Hostile::plan(Office& office) {
  timeline_.after(Duration(dice_.between(2'000, 25'000)), [this, &office] {
    if (stopped_) return;
    Disk& disk = machines_[office.parent]->disk();
    disk.set_calm(true);  // it looks into the replica by no way that the disk would know of
    speak(office);
    disk.set_calm(false);
    plan(office);
  });
}

// ---- what is said ----

void Hostile::speak(Office& office) {
  const Machine& parent = *machines_[office.parent];
  if (!parent.on()) return;
  if (office.node->may_issue && dice_.chance(0.3)) mint(office);
  for (std::size_t i = dice_.below(5); i > 0; --i) write(office);
  SessionConfig config(office.node->dh_key, DhKey(deployment_.entropy().array<32>()));
  config.root = deployment_.root();
  config.agency = office.node->agency;
  config.node = office.node->id();
  config.certificate = office.node->certificate;
  config.credentials = store::credentials(*deployment_.registry(), office.node->certificate);
  config.initiator = true;
  config.session_number = ++session_number_;
  config.last_session_number = [](const NodeId&) { return std::uint64_t{0}; };
  config.program_version = "hostile";
  if (dice_.chance(0.3)) config.features = dice_.below(8);
  if (dice_.chance(0.5)) config.peer_dh_key = parent.node().dh_key.public_key();
  auto view = std::make_unique<test::FakeReplica>(deployment_.registry(), dice_.next() | 1);
  for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates})
    view->set_cursor(kind, parent.node().id(), made_up_cursor());
  for (const Statement& statement : office.statements) view->add_statement(statement);
  for (const SealedUnit& unit : load(office)) view->add_unit(unit);
  const auto shared = std::make_shared<std::unique_ptr<test::FakeReplica>>(std::move(view));
  const Duration keep(dice_.between(1'000, 60'000));
  network_.dial(kPlace, office.parent, [=, this](std::shared_ptr<Stream> stream) {
    if (!stream) return;
    ++sessions_;
    const auto talk = std::make_shared<Talk>(std::move(stream), config, std::move(*shared),
                                             timeline_, dice_.fork());
    talk->start();
    timeline_.after(keep, [talk] { talk->stop(); });
  });
}

// In any order, with gaps, some twice; all of it, the newest, or nothing.
std::vector<SealedUnit> Hostile::load(const Office& office) {
  std::vector<SealedUnit> out;
  if (dice_.chance(0.1)) return out;
  const std::size_t count = std::min(purse_.size(), 1 + dice_.below(kLoadMax));
  const double gaps = dice_.chance(0.5) ? 0.3 * dice_.unit() : 0;
  for (std::size_t i = purse_.size() - count; i < purse_.size(); ++i) {
    if (dice_.chance(gaps) || !may_bring(office, purse_[i])) continue;
    out.push_back(purse_[i]);
    if (dice_.chance(0.05)) out.push_back(out[dice_.below(out.size())]);
  }
  if (dice_.chance(0.5))
    for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[dice_.below(i)]);
  return out;
}

// Its own making, and what the superior has of its records already.
bool Hostile::may_bring(const Office& office, const SealedUnit& unit) const {
  if (smuggling_) return true;
  const auto ours = [&](const SealedLeaf& leaf) {
    const Envelope& envelope = leaf.update.envelope;
    if (envelope.certificate == office.node->certificate) return true;
    for (const test::TestNode* minted : office.minted)
      if (envelope.certificate == minted->certificate) return true;
    return machines_[office.parent]->replica().find_record(envelope.record).has_value();
  };
  return std::ranges::all_of(unit.leaves, ours);
}

// ---- what is made up ----

void Hostile::write(Office& office) {
  test::TestNode& author = office.minted.empty() || dice_.chance(0.6)
                               ? *office.node
                               : *office.minted[dice_.below(office.minted.size())];
  std::vector<Update> updates;
  for (std::size_t i = 1 + (dice_.chance(0.3) ? dice_.below(4) : 0); i > 0; --i)
    if (auto update = make_update(office, author)) updates.push_back(*std::move(update));
  if (updates.empty()) return;
  const SealedUnit unit = seal(author, updates);
  for (const Update& update : updates) made_.push_back(update_id(deployment_.root(), update));
  if (dice_.chance(0.1)) return;  // kept back, though others will build on it
  purse_.push_back(unit);
  if (purse_.size() > kPurseMax) purse_.erase(purse_.begin());
}

SealedUnit Hostile::seal(test::TestNode& author, const std::vector<Update>& updates) {
  if (dice_.chance(0.1) && author.number > 1) author.number -= 1;  // one number for two seals
  if (dice_.chance(0.05)) author.number += static_cast<std::uint32_t>(dice_.below(5));
  if (dice_.chance(0.05)) author.incarnation ^= dice_.below(1000);
  std::vector<Hash256> leaves;
  for (const Update& update : updates)
    leaves.push_back(id_cast<Hash256>(update_id(deployment_.root(), update)));
  return unit_of(author.seal(deployment_.root(), leaves), updates);
}

AgencyId Hostile::some_agency() {
  if (!minted_.empty() && dice_.chance(0.3)) return minted_[dice_.below(minted_.size())]->agency;
  const auto agencies = deployment_.registry()->agencies();
  return agencies[dice_.below(agencies.size())]->id;
}

UpdateId Hostile::some_update(const RecordState& state) {
  const std::size_t newest = std::min<std::size_t>(made_.size(), 8);
  if (newest > 0 && dice_.chance(0.2)) return made_[made_.size() - 1 - dice_.below(newest)];
  if (!state.timeline.empty() && dice_.chance(0.3))
    return state.timeline[dice_.below(state.timeline.size())];
  return state.chain[dice_.below(state.chain.size())].id;
}

// Mostly one that its superior has for it.
std::optional<RecordState> Hostile::some_record(const Office& office) {
  const Machine& parent = *machines_[office.parent];
  std::vector<RecordState> ours, others;
  parent.replica().for_each_record([&](const store::RecordEntry& entry) {
    if (entry.state.chain.empty()) return true;
    const bool our =
        std::ranges::binary_search(parent.replica().audience_of(entry.state), office.node->agency);
    (our ? ours : others).push_back(entry.state);
    return true;
  });
  if (others.empty() || (!ours.empty() && dice_.chance(0.9))) std::swap(ours, others);
  if (others.empty()) return std::nullopt;
  return others[others.size() - 1 - dice_.below(std::min<std::size_t>(others.size(), 10))];
}

void Hostile::date(Envelope& envelope, const Machine& parent) {
  envelope.hlc = Hlc::at(parent.clock() + dice_.between(-100'000, 100'000));
  if (dice_.chance(0.05)) envelope.hlc = Hlc::at(parent.clock() - kYear * dice_.between(1, 40));
  if (dice_.chance(0.02)) envelope.hlc = Hlc::at(parent.clock() + kYear * dice_.between(1, 70));
}

std::optional<Update> Hostile::make_update(const Office& office, const test::TestNode& author) {
  constexpr std::array kKinds{
      UpdateKind::kOffer,   UpdateKind::kAccept, UpdateKind::kDecline, UpdateKind::kReclaim,
      UpdateKind::kSucceed, UpdateKind::kSet,    UpdateKind::kNote,    UpdateKind::kRecallRequest,
      UpdateKind::kConsult, UpdateKind::kReply,  UpdateKind::kShare,   UpdateKind::kInspect,
      UpdateKind::kAdopt,   UpdateKind::kUphold};
  const Machine& parent = *machines_[office.parent];
  Update update;
  Envelope& envelope = update.envelope;
  envelope.certificate = author.certificate;
  if (dice_.chance(0.03)) envelope.tree_version = static_cast<TreeVersion>(dice_.below(4));
  date(envelope, parent);
  OpenBody body;
  const auto state = dice_.chance(0.1) ? std::nullopt : some_record(office);
  if (!state) {
    body.kind = UpdateKind::kCreated;
  } else {
    // What comes next by the rules, or anything at all, on top or on an older place.
    body.kind = kKinds[dice_.below(kKinds.size())];
    if (state->offered == author.agency && dice_.chance(0.6))
      body.kind = dice_.chance(0.7) ? UpdateKind::kAccept : UpdateKind::kDecline;
    if (state->holder == author.agency && state->offered.is_zero() && dice_.chance(0.5))
      body.kind = UpdateKind::kOffer;
    envelope.record = state->record;
    envelope.link = dice_.chance(0.7) ? state->tip() : some_update(*state);
    if (dice_.chance(0.6) && state->heads.size() <= 16)
      envelope.deps = state->heads;
    else
      for (std::size_t i = 1 + dice_.below(3); i > 0; --i)
        envelope.deps.push_back(some_update(*state));
    if (dice_.chance(0.5)) envelope.deps.push_back(*envelope.link);
    std::ranges::sort(envelope.deps);
    envelope.deps.erase(std::unique(envelope.deps.begin(), envelope.deps.end()),
                        envelope.deps.end());
    if (envelope.deps.size() > 16) envelope.deps.resize(16);
    if (dice_.chance(0.1)) body.references.push_back(some_update(*state));
  }
  const bool aimed = body.kind == UpdateKind::kOffer || body.kind == UpdateKind::kShare ||
                     body.kind == UpdateKind::kConsult || body.kind == UpdateKind::kSucceed;
  if (aimed) body.target = some_agency();
  if (body.kind == UpdateKind::kSet || body.kind == UpdateKind::kCreated)
    body.writes = {{static_cast<std::uint16_t>(Field::kUnit), std::string("tùy tiện")}};
  update.open = wire::encode(body);
  return update;
}

// An agency of its own making, with a machine; or a word against somebody.
void Hostile::mint(Office& office) {
  const RootFingerprint& root = deployment_.root();
  if (office.minted.size() < 4) {
    const AgencyDeclaration declared = deployment_.declaration(
        office.node->agency, "H47.900." + std::to_string(90'000 + minted_.size()));
    const Statement statement = office.node->say(root, declared);
    auto node = std::make_unique<test::TestNode>(
        deployment_.make_node(id_cast<AgencyId>(statement_id(root, statement))));
    const Statement certified =
        office.node->say(root, deployment_.certificate(node->agency, *node));
    node->certificate = id_cast<CertificateId>(statement_id(root, certified));
    office.statements.push_back(statement);
    office.statements.push_back(certified);
    office.minted.push_back(node.get());
    nodes_.insert(node->id());
    minted_.push_back(std::move(node));
  } else if (dice_.chance(0.3)) {
    Revocation word;
    const Machine& victim = *machines_[dice_.below(machines_.size())];
    word.node = dice_.chance(0.5) ? victim.node().id()
                                  : office.minted[dice_.below(office.minted.size())]->id();
    word.decided_at = victim.clock();
    office.statements.push_back(office.node->say(root, word));
  } else {
    return;
  }
  ++statements_;
}

}  // namespace lienthong::sim
