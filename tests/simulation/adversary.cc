#include "tests/simulation/adversary.h"

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/exchange/credentials.h"
#include "tests/support/session_pair.h"

namespace lienthong::sim {
namespace {

constexpr std::size_t kNowhere = 1'000'000;  // its place in the network: no machine of the province
constexpr Duration kConversation{25'000};

test::TestNode only_node(test::TestDeployment& deployment) {
  const AgencyId agency = deployment.add_agency({}, "H99", "Tỉnh khác", "province");
  return deployment.add_node(agency, true);
}

}  // namespace

// One session of an adversary, over a replica that holds what it wants to say.
class Adversary::Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(std::shared_ptr<Stream> stream, SessionConfig config,
               std::shared_ptr<const Registry> registry, std::uint64_t epoch,
               const std::vector<SealedUnit>& units, Timeline& timeline)
      : stream_(std::move(stream)),
        replica_(std::move(registry), epoch),
        timeline_(timeline),
        end_((add_all(units), replica_), std::move(config), timeline.now()) {}

  void start() {
    const auto weak = weak_from_this();
    stream_->on_bytes = [weak](ByteView bytes) {
      const auto self = weak.lock();
      if (!self || self->end_.session.closed()) return;
      (void)self->end_.session.on_bytes(bytes, self->timeline_.now()).ok();
      self->perform();
    };
    perform();
  }
  void stop() { stream_->close(); }
  // Whether the other side has told it anything of its replica.
  bool served() const { return !end_.parts.empty() || !end_.peer_cursors.empty(); }

 private:
  void add_all(const std::vector<SealedUnit>& units) {
    for (const SealedUnit& unit : units) replica_.add_unit(unit);
  }
  void perform() {
    end_.perform(timeline_.now());
    end_.perform(timeline_.now());  // what its storing has brought up
    stream_->send(std::exchange(end_.outgoing, {}));
  }
  std::shared_ptr<Stream> stream_;
  test::FakeReplica replica_;
  Timeline& timeline_;
  test::End end_;
};

Adversary::Adversary(Timeline& timeline, Network& network, test::TestDeployment& deployment,
                     std::vector<std::unique_ptr<Machine>>& machines, Dice dice)
    : timeline_(timeline),
      network_(network),
      deployment_(deployment),
      other_(dice.next()),
      outsider_(only_node(other_)),
      machines_(machines),
      dice_(dice) {}
Adversary::~Adversary() = default;

Machine& Adversary::some_machine() {
  for (;;) {
    Machine& machine = *machines_[dice_.below(machines_.size())];
    if (deployment_.registry()->find_agency(machine.agency()) != nullptr) return machine;
  }
}

test::TestNode& Adversary::rogue_of(const AgencyId& agency) {
  test::TestNode*& rogue = rogues_[agency];
  if (rogue == nullptr) rogue = &deployment_.add_node(agency);
  return *rogue;
}

void Adversary::talk(std::size_t to, SessionConfig config, std::shared_ptr<const Registry> registry,
                     std::vector<SealedUnit> units, bool stranger) {
  config.initiator = true;
  config.session_number = ++sessions_;
  config.last_session_number = [](const NodeId&) { return std::uint64_t{0}; };
  config.program_version = "rogue";
  network_.dial(kNowhere, to, [=, this](std::shared_ptr<Stream> stream) {
    if (!stream) return;
    const auto talk = std::make_shared<Conversation>(std::move(stream), config, registry,
                                                     dice_.next() | 1, units, timeline_);
    talk->start();
    timeline_.after(kConversation, [this, talk, stranger] {
      if (stranger && talk->served()) ++forgeries_.strangers_served;
      talk->stop();
    });
  });
}

// ---- strangers ----

void Adversary::intrude() {
  const Machine& victim = some_machine();
  const Machine& stolen = some_machine();
  test::TestNode nobody = deployment_.make_node(stolen.agency());
  const int kind = static_cast<int>(dice_.below(4));
  const test::TestNode& self = kind == 1 ? outsider_ : nobody;
  SessionConfig config(self.dh_key, DhKey(deployment_.entropy().array<32>()));
  config.root = deployment_.root();
  config.agency = self.agency;
  config.node = self.id();
  std::shared_ptr<const Registry> registry = deployment_.registry();
  if (kind == 1) {  // another root's certificate
    registry = other_.registry();
    config.certificate = outsider_.certificate;
    config.credentials = store::credentials(*registry, outsider_.certificate);
    if (dice_.chance(0.5)) config.root = other_.root();
  } else if (kind == 2) {  // somebody else's
    config.certificate = stolen.node().certificate;
    config.credentials = store::credentials(*registry, stolen.node().certificate);
  } else if (kind == 3) {  // one that nobody issued
    const Certificate body = deployment_.certificate(stolen.agency(), nobody);
    config.credentials = {nobody.say(deployment_.root(), body)};
    config.certificate =
        id_cast<CertificateId>(statement_id(deployment_.root(), config.credentials.front()));
  }
  if (dice_.chance(0.5)) config.peer_dh_key = victim.node().dh_key.public_key();
  talk(victim.index(), std::move(config), registry, {}, true);
}

// ---- those without right ----

void Adversary::forge() {
  const Machine& machine = some_machine();
  if (!machine.on()) return;
  test::TestNode& rogue = rogue_of(machine.agency());
  std::vector<SealedUnit> units;
  for (std::size_t i = 0; i < 1 + dice_.below(4); ++i) {
    auto update = update_without_right(machine, rogue);
    if (!update) continue;
    const UpdateId id = update_id(deployment_.root(), *update);
    if (dice_.chance(0.3)) {
      units.push_back(spoil(rogue, *std::move(update)));
    } else {
      forgeries_.without_right.insert(id);
      units.push_back(seal(rogue, *update));
    }
  }
  if (units.empty()) return;
  SessionConfig config(rogue.dh_key, DhKey(deployment_.entropy().array<32>()));
  config.root = deployment_.root();
  config.agency = rogue.agency;
  config.node = rogue.id();
  config.certificate = rogue.certificate;
  config.credentials = store::credentials(*deployment_.registry(), rogue.certificate);
  const std::size_t to =
      machine.parent() && dice_.chance(0.6) ? *machine.parent() : machine.index();
  talk(to, std::move(config), deployment_.registry(), std::move(units), false);
}

SealedUnit Adversary::seal(test::TestNode& rogue, const Update& update) {
  const std::array leaves{id_cast<Hash256>(update_id(deployment_.root(), update))};
  SealedUnit unit;
  unit.seal = rogue.seal(deployment_.root(), leaves);
  unit.leaves.push_back(SealedLeaf{0, update});
  return unit;
}

SealedUnit Adversary::spoil(test::TestNode& rogue, Update update) {
  const int kind = static_cast<int>(dice_.below(4));
  if (kind == 0) update.envelope.certificate = some_machine().node().certificate;
  if (kind == 1) update.envelope.deps.push_back(update.envelope.deps.front());  // not ascending
  SealedUnit unit = seal(rogue, update);
  if (kind == 2) unit.seal.signature[dice_.below(64)] ^= 1;
  if (kind == 3) {
    update.envelope.hlc.value ^= 1;
    unit.leaves.front().update = update;
  }
  forgeries_.malformed.insert(update_id(deployment_.root(), update));
  return unit;
}

std::optional<Update> Adversary::update_without_right(const Machine& machine,
                                                      const test::TestNode& rogue) {
  std::vector<RecordState> states;
  machine.replica().for_each_record([&](const store::RecordEntry& entry) {
    if (!entry.state.chain.empty()) states.push_back(entry.state);
    return true;
  });
  if (states.empty()) return std::nullopt;
  const RecordState& state = states[dice_.below(states.size())];
  auto update = dice_.chance(0.6) ? on_tip(machine, state) : on_old_link(machine, state);
  if (!update) return std::nullopt;
  Envelope& envelope = update->envelope;
  envelope.record = state.record;
  envelope.certificate = rogue.certificate;
  envelope.tree_version = machine.replica().registry()->newest();
  envelope.hlc = dice_.chance(0.1)
                     ? Hlc{dice_.next()}
                     : Hlc::at(machine.clock() + dice_.between(-1'000'000, 1'000'000));
  return update;
}

// What only the custodian, or the one whose turn it is, may write.
std::optional<Update> Adversary::on_tip(const Machine& machine, const RecordState& state) {
  if (state.turn() == machine.agency() || state.holder == machine.agency()) return std::nullopt;
  constexpr std::array kKinds{UpdateKind::kSet,   UpdateKind::kAccept, UpdateKind::kDecline,
                              UpdateKind::kOffer, UpdateKind::kShare,  UpdateKind::kReclaim};
  OpenBody body;
  body.kind = kKinds[dice_.below(kKinds.size())];
  const Registry& registry = *machine.replica().registry();
  const bool superior = registry.above_or_equal(machine.agency(), state.holder, registry.newest());
  if (body.kind == UpdateKind::kReclaim && superior) return std::nullopt;
  if (body.kind == UpdateKind::kSet)
    body.writes = {{static_cast<std::uint16_t>(Field::kUnit), std::string("giả mạo")}};
  if (body.kind == UpdateKind::kOffer || body.kind == UpdateKind::kShare)
    body.target = some_machine().agency();
  Update update;
  update.envelope.deps = state.heads;
  if (update.envelope.deps.size() > 16) return std::nullopt;
  update.envelope.link = state.tip();
  update.open = wire::encode(body);
  return update;
}

// A branch from where the agency once held the record, though another has taken it up since.
std::optional<Update> Adversary::on_old_link(const Machine& machine, const RecordState& state) {
  const auto taken_up = std::ranges::find_if(state.chain, [&](const LinkEntry& link) {
    return link.kind == UpdateKind::kAccept && link.by != machine.agency();
  });
  if (taken_up == state.chain.end() || state.chain.front().by != machine.agency())
    return std::nullopt;
  OpenBody body;
  body.kind = dice_.chance(0.5) ? UpdateKind::kSet : UpdateKind::kOffer;
  if (body.kind == UpdateKind::kSet)
    body.writes = {{static_cast<std::uint16_t>(Field::kUnit), std::string("đề lùi ngày")}};
  else
    body.target = some_machine().agency();
  if (body.target == machine.agency()) return std::nullopt;
  Update update;
  update.envelope.deps = {state.chain.front().id};
  update.envelope.link = state.chain.front().id;
  update.open = wire::encode(body);
  return update;
}

}  // namespace lienthong::sim
