#include "tests/unit/docs_vectors_session.h"

namespace lienthong::vectors {
namespace {

constexpr std::uint64_t kSessionNumber = 1'680'307'260'000;
constexpr std::string_view kProgramVersion = "0.1.0";

SessionConfig config_of(const Example& example, const Office& office, const DhKey& ephemeral) {
  SessionConfig config(office.dh_key, ephemeral);
  config.root = example.root;
  config.agency = office.agency;
  config.node = office.id();
  config.certificate = office.certificate;
  config.credentials = example.statements;
  config.program_version = kProgramVersion;
  config.dictionary = 1;
  config.features = kFeatureHealing | kFeatureGoesOn | kFeatureShortHealing;  // as recorded
  return config;
}

Hello hello_of(const Example& example, const Office& office, const DhKey& ephemeral) {
  Hello hello;
  hello.speaker = speaker_name(example.root, ephemeral.public_key(), office.certificate);
  hello.features = kFeatureHealing | kFeatureGoesOn | kFeatureShortHealing;
  hello.registry_check = registry_check(example.registry(5)->digest());
  hello.dictionary = 1;
  hello.program_version = kProgramVersion;
  hello.window_bytes = kSessionWindowMax;
  hello.cursors.emplace();
  return hello;
}

}  // namespace

SessionWorld::SessionWorld() {
  for (const Statement& statement : example.statements) province.add_statement(statement);
  Cursor cursor;
  cursor.mark = province.feed_end(FeedKind::kRegistry, example.commune.agency);
  commune.set_cursor(FeedKind::kRegistry, example.province.id(), cursor);
}

SealedUnit SessionWorld::sealed(const Office& author, std::uint64_t incarnation,
                                const Update& update) {
  const std::array leaves{id_cast<Hash256>(update_id(example.root, update))};
  SealedUnit unit;
  unit.seal = make_seal(example.root, author.key, author.certificate, incarnation, ++number_,
                        previous_, leaves);
  unit.leaves.push_back(SealedLeaf{0, update});
  previous_ = seal_id(example.root, unit.seal);
  return unit;
}

UpdateId SessionWorld::write_third() {
  OpenBody open;
  open.kind = UpdateKind::kCreated;
  open.writes = {{1, std::string("H47.12.05-230401-0001")}};
  Update update;
  update.envelope.certificate = example.commune.certificate;
  update.envelope.hlc = Hlc::at(kNow + 3000);
  update.open = wire::encode(open);
  number_ = 0;
  previous_ = {};
  return commune.add_unit(sealed(example.commune, 0x3344556677889900, update));
}

void SessionWorld::write_first_and_second() {
  number_ = 0;
  previous_ = {};
  province.add_unit(sealed(example.province, Example::kIncarnation, example.first));
  province.add_unit(sealed(example.province, Example::kIncarnation, example.second));
}

SessionConfig SessionWorld::dialling(bool knows_key) const {
  SessionConfig config = config_of(example, example.commune, initiator_ephemeral);
  config.initiator = true;
  config.session_number = kSessionNumber;
  config.expected_agency = example.province.agency;
  if (!knows_key) return config;
  config.peer_dh_key = example.province.dh_key.public_key();
  config.peer_certificate = example.province.certificate;
  return config;
}

SessionConfig SessionWorld::answering() const {
  SessionConfig config = config_of(example, example.province, responder_ephemeral);
  config.last_session_number = [](const NodeId&) { return std::uint64_t{0}; };
  return config;
}

Hello SessionWorld::initiator_hello() const {
  Hello hello = hello_of(example, example.commune, initiator_ephemeral);
  hello.session_number = kSessionNumber;
  (*hello.cursors)[0] = commune.cursor(FeedKind::kRegistry, example.province.id());
  return hello;
}

Hello SessionWorld::responder_hello() const {
  Hello hello = hello_of(example, example.province, responder_ephemeral);
  hello.level = 1;
  return hello;
}

void SessionWorld::print_inputs(Theme& out) const {
  out.input("initiator.dh.secret", example.commune.dh_key.secret());
  out.input("initiator.ephemeral.secret", initiator_ephemeral.secret());
  out.input("responder.dh.secret", example.province.dh_key.secret());
  out.input("responder.ephemeral.secret", responder_ephemeral.secret());
  out.input("session.number", kSessionNumber);
  out.input("program.version", kProgramVersion);
}

}  // namespace lienthong::vectors
