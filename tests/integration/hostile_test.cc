// An agent as a real process and those who wish it ill: without a certificate, with the wrong one,
// with forged seals and updates that they had no right to, or with bytes that are no protocol. Each
// is refused or inert, listed and logged once, and an honest neighbour still syncs afterwards.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/config/config.h"
#include "agent/config/setup.h"
#include "agent/engine/clock.h"
#include "agent/joining/identity_files.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/exchange/credentials.h"
#include "store/office/projections.h"
#include "tests/support/session_pair.h"

extern char** environ;

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;
using asio::ip::tcp;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{40};

// Looks again every few milliseconds until `met` or the patience ends.
bool eventually(const std::function<bool()>& met, seconds patience = kPatience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!met()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 20);
  }
  return true;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "lienthong_hostile_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// lienthongd on a folder that was set up.
class Process {
 public:
  explicit Process(fs::path dir) : dir_(std::move(dir)), log_(dir_ / "log") {
    const std::string config = (dir_ / "agent.toml").string();
    const char* words[] = {LT_DAEMON, "--config", config.c_str(), nullptr};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log_.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int failed =
        ::posix_spawn(&pid_, LT_DAEMON, &files, nullptr, const_cast<char**>(words), environ);
    posix_spawn_file_actions_destroy(&files);
    EXPECT_EQ(failed, 0);
    EXPECT_TRUE(eventually([this] { return answers(); })) << log();
  }
  ~Process() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  json get(const std::string& path) const {
    const auto result = client().Get(path);
    if (!result || result->status != 200) return {};
    return json::parse(result->body);
  }
  json post(const std::string& path, const json& body) const {
    const auto result = client().Post(path, body.dump() + "\n", "application/json");
    if (!result || result->status != 200) return {};
    return json::parse(result->body);
  }
  std::string log() const {
    std::ifstream in(log_);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  std::size_t log_lines_with(const std::string& words) const {
    std::ifstream in(log_);
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);) count += line.find(words) != std::string::npos;
    return count;
  }
  // How often a peer was refused for that reason.
  std::uint64_t refused(const std::string& reason) const {
    for (const json& peer : get("/v1/peers").value("refused", json::array()))
      if (peer.at("reason") == reason) return peer.at("count").get<std::uint64_t>();
    return 0;
  }

 private:
  bool answers() const { return !get("/healthz").is_null(); }
  httplib::Client client() const {
    httplib::Client out((dir_ / "agent.sock").string());
    out.set_address_family(AF_UNIX);
    out.set_read_timeout(kPatience);
    return out;
  }
  fs::path dir_, log_;
  pid_t pid_ = -1;
};

// A connection to the victim on which anything may be said.
class Wire {
 public:
  explicit Wire(std::uint16_t port) : socket_(loop_) {
    asio::error_code problem;
    socket_.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), port), problem);
    EXPECT_FALSE(problem) << problem.message();
  }
  void say(ByteView bytes) {
    asio::error_code problem;  // the victim may have hung up
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), problem);
  }
  // What has come; empty after `patience`, or when the victim has hung up: see closed().
  Bytes hear(milliseconds patience) {
    pollfd ready{socket_.native_handle(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) return {};
    Bytes out(65536);
    asio::error_code problem;
    out.resize(socket_.read_some(asio::buffer(out), problem));
    if (problem) closed_ = true;
    return out;
  }
  bool closed() const { return closed_; }
  bool is_closed_within(seconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!closed_ && std::chrono::steady_clock::now() < end) hear(milliseconds(100));
    return closed_;
  }

 private:
  asio::io_context loop_;
  tcp::socket socket_;
  bool closed_ = false;
};

std::uint16_t free_port() {
  asio::io_context loop;
  tcp::acceptor probe(loop, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  return probe.local_endpoint().port();
}

class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    port = free_port();
    ASSERT_TRUE(found("H47", "127.0.0.1:" + std::to_string(port)));
    victim = std::make_unique<Process>(folder / "H47");
    enroll("H47.12");
    neighbour = std::make_unique<Process>(folder / "H47.12");
    ASSERT_TRUE(neighbour_syncs());
    enroll("H47.66");
    files = std::make_unique<NodeFiles>(*load_node_files(folder / "H47.66"));
    store::Options options = store::office_options();
    options.path = (folder / "H47.66" / kStoreFolder).string();
    options.entropy = &entropy;
    const auto replica = store::Replica::open(options, files->identity(), files->root);
    ASSERT_TRUE(replica.ok()) << replica.error().message();
    registry = (*replica)->registry();
    own = std::make_unique<test::FakeReplica>(registry, 77);
  }

  // Whatever was tried: the victim lives, and who is honest gets through.
  void TearDown() override {
    if (victim == nullptr || neighbour == nullptr) return;
    EXPECT_TRUE(neighbour_syncs()) << victim->log();
  }

  bool found(const std::string& code, const std::string& listen) {
    InitRequest request;
    request.place = place(code);
    request.place.listen = {listen};
    request.code = code;
    request.name = "Tỉnh " + code;
    request.tier = "province";
    request.passphrase = "một hai ba";
    request.cost = SecretFileCost{1, 8192};
    return init_deployment(request, clock, entropy).ok();
  }
  SetupPlace place(const std::string& name) {
    SetupPlace out;
    out.data_dir = folder / name;
    out.listen = {"127.0.0.1:0"};
    return out;
  }
  void enroll(const std::string& code) {
    const json invite = victim->post(
        "/v1/invites", {{"code", code}, {"name", "Cơ quan " + code}, {"tier", "district"}});
    ASSERT_TRUE(invite.contains("token")) << invite;
    const auto outcome =
        enroll_with_token(place(code), invite["token"].get<std::string>(), clock, entropy);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  }
  // A dossier made at the neighbour comes to the victim. Its code in `dossier`.
  bool neighbour_syncs() {
    const json made = neighbour->post("/v1/operations",
                                      {{"op", "create"}, {"dossier", {{"procedure", "1.001193"}}}});
    dossier = made.value("code", "");
    return !dossier.empty() &&
           eventually([&] { return !victim->get("/v1/dossiers/" + dossier).is_null(); });
  }

  // As the enrolled H47.66 would dial.
  SessionConfig dialling() {
    SessionConfig config(files->keys.dh, DhKey(entropy.array<32>()));
    config.initiator = true;
    config.root = files->root;
    config.agency = files->card.agency;
    config.node = files->keys.signing.public_key();
    config.certificate = files->card.certificate;
    config.credentials = store::credentials(*registry, files->card.certificate);
    config.peer_dh_key = victim_key();
    config.session_number = ++session_number;
    return config;
  }
  DhPublic victim_key() const {
    const AgencyId agency = registry->find_agency_by_code("H47")->id;
    return registry->find_certificate(registry->certificates_of(agency).front())->dh_key;
  }
  // Talks until `met`, the end of the session, or the patience.
  bool talk(Wire& wire, test::End& end, const std::function<bool()>& met) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      end.perform(clock.monotonic());
      const Bytes out = std::exchange(end.outgoing, {});
      if (!out.empty()) wire.say(out);
      if (met()) return true;
      if (end.closed || wire.closed()) return false;
      const Bytes heard = wire.hear(milliseconds(50));
      if (!heard.empty()) static_cast<void>(end.session.on_bytes(heard, clock.monotonic()));
      end.session.on_tick(clock.monotonic());
    }
    return false;
  }
  // Dials with that configuration until turned away; the code that the victim gave.
  CloseCode turned_away(const test::FakeReplica& replica, SessionConfig config) {
    test::FakeReplica mine = replica;
    Wire wire(port);
    test::End end(mine, std::move(config), clock.monotonic());
    EXPECT_FALSE(talk(wire, end, [&] { return end.session.stats().drained_out; }));
    EXPECT_TRUE(end.closed || wire.closed()) << "the victim keeps the connection";
    return end.closed && end.closed->by_peer ? end.closed->code : CloseCode::kNone;
  }
  void expect_refused_once_in_log(const std::string& reason, std::uint64_t count) {
    EXPECT_TRUE(eventually([&] { return victim->refused(reason) >= count; }))
        << reason << "\n"
        << victim->get("/v1/peers") << victim->log();
    EXPECT_EQ(victim->log_lines_with("event=refused reason=\"" + reason + "\""), 1U)
        << victim->log();
  }
  json quarantined(const std::string& list, const UpdateId& id) {
    for (const json& entry : victim->get("/v1/quarantine").value(list, json::array()))
      if (entry.value("id", "") == id.hex()) return entry;
    return nullptr;
  }

  // An update of the enrolled attacker to the dossier of its neighbour, sealed with its key.
  SealedUnit sealed(const Update& update) {
    const std::array leaves{id_cast<Hash256>(update_id(files->root, update))};
    SealedUnit unit;
    unit.seal = make_seal(files->root, files->keys.signing, files->card.certificate, 4711,
                          ++seal_number, last_seal, leaves);
    last_seal = seal_id(files->root, unit.seal);
    unit.leaves.push_back(SealedLeaf{0, update});
    return unit;
  }
  Update update_on_dossier(const OpenBody& body) {
    const json shown = victim->get("/v1/dossiers/" + dossier);
    const auto record = RecordId::from(*from_hex(shown.at("record").get<std::string>()));
    Update update;
    update.envelope.record = record;
    update.envelope.certificate = files->card.certificate;
    update.envelope.tree_version = registry->newest();
    update.envelope.hlc = Hlc::at(clock.now());
    update.envelope.deps = {id_cast<UpdateId>(record)};
    update.envelope.link = id_cast<UpdateId>(record);
    update.open = wire::encode(body);
    return update;
  }

  TemporaryFolder folder;
  SystemClock clock;
  SystemEntropy entropy;
  std::uint16_t port = 0;
  std::unique_ptr<Process> victim, neighbour;
  std::string dossier;
  std::unique_ptr<NodeFiles> files;  // of H47.66, whose machine is in the wrong hands
  std::shared_ptr<const Registry> registry;
  std::unique_ptr<test::FakeReplica> own;
  std::uint64_t session_number = 0;
  std::uint32_t seal_number = 0;
  SealId last_seal;
};

TEST_F(Hostile, WithoutACertificateNobodyIsAdmitted) {
  for (int i = 0; i < 3; ++i) {
    SessionConfig config = dialling();
    config.dh_key = DhKey(entropy.array<32>());
    config.node = SigningKey(entropy.array<32>()).public_key();
    config.credentials.clear();
    EXPECT_EQ(turned_away(*own, std::move(config)), CloseCode::kNoCertificate);
  }
  expect_refused_once_in_log("no-certificate", 3);
}

TEST_F(Hostile, ACertificateOfAnotherRootIsWorthNothing) {
  test::TestDeployment other(5);
  const AgencyId agency = other.add_agency({}, "H49", "Tỉnh khác", "province");
  const test::TestNode& node = other.add_node(agency, true);
  const test::FakeReplica replica(other.registry(), 5);
  SessionConfig config(node.dh_key, DhKey(entropy.array<32>()));
  config.initiator = true;
  config.agency = agency;
  config.node = node.id();
  config.certificate = node.certificate;
  config.credentials = other.statements();
  config.peer_dh_key = victim_key();
  config.session_number = 1;
  SessionConfig honest_root = config;  // claims ours, so that the victim can read it
  honest_root.root = files->root;
  honest_root.ephemeral = DhKey(entropy.array<32>());
  config.root = other.root();
  turned_away(replica, std::move(config));
  EXPECT_EQ(turned_away(*own, std::move(honest_root)), CloseCode::kWrongRoot);
  expect_refused_once_in_log("wrong-root", 2);
  EXPECT_EQ(victim->get("/v1/agencies").size(), 3U);
}

TEST_F(Hostile, ACertificateServesOnlyTheKeyItNames) {
  for (int i = 0; i < 2; ++i) {
    SessionConfig config = dialling();
    config.dh_key = DhKey(entropy.array<32>());  // the certificates are those of H47.66
    EXPECT_EQ(turned_away(*own, std::move(config)), CloseCode::kNoCertificate);
  }
  expect_refused_once_in_log("no-certificate", 2);
}

TEST_F(Hostile, ForgedSealsAndUpdatesWithoutRightChangeNothing) {
  OpenBody steal;
  steal.kind = UpdateKind::kAccept;
  OpenBody change;
  change.kind = UpdateKind::kSet;
  change.writes.push_back({static_cast<std::uint16_t>(Field::kUnit), std::string("kẻ lạ")});
  const json before = victim->get("/v1/dossiers/" + dossier);
  SealedUnit forged = sealed(update_on_dossier(change));
  forged.seal.signature[7] ^= 1;
  SealedUnit uncovered = sealed(update_on_dossier(change));
  uncovered.leaves[0].update.envelope.hlc = Hlc::at(clock.now() + 1);
  const UpdateId forged_id = own->add_unit(forged);
  const UpdateId uncovered_id = own->add_unit(uncovered);
  const UpdateId stolen = own->add_unit(sealed(update_on_dossier(steal)));
  const UpdateId changed = own->add_unit(sealed(update_on_dossier(change)));
  Wire wire(port);
  test::End end(*own, dialling(), clock.monotonic());
  EXPECT_TRUE(talk(wire, end, [&] { return end.session.stats().drained_out; })) << victim->log();
  for (const UpdateId& id : {forged_id, uncovered_id})
    EXPECT_FALSE(quarantined("refused", id).is_null()) << victim->get("/v1/quarantine");
  for (const UpdateId& id : {stolen, changed})
    EXPECT_FALSE(quarantined("inert", id).is_null()) << victim->get("/v1/quarantine");
  const json after = victim->get("/v1/dossiers/" + dossier);
  EXPECT_EQ(after.at("holder"), before.at("holder"));
  EXPECT_EQ(after.value("unit", json()), before.value("unit", json()));
  EXPECT_EQ(after.at("custody"), before.at("custody"));
  EXPECT_EQ(end.refusals.size(), 1U) << "the peer is told once for a part";
  EXPECT_EQ(victim->log_lines_with("event=updates_refused"), 1U) << victim->log();
}

TEST_F(Hostile, AReplayedSessionIsRefused) {
  OpenBody change;
  change.kind = UpdateKind::kSet;
  change.writes.push_back({static_cast<std::uint16_t>(Field::kUnit), std::string("x")});
  own->add_unit(sealed(update_on_dossier(change)));
  Bytes first;
  {
    Wire wire(port);
    test::End end(*own, dialling(), clock.monotonic());
    end.perform(clock.monotonic());
    first = end.outgoing;
    // An acknowledgement is durable, and so is then the number of the session, written before.
    ASSERT_TRUE(talk(wire, end, [&] { return end.session.stats().drained_out; }));
  }
  for (int i = 0; i < 2; ++i) {
    Wire wire(port);
    wire.say(first);
    EXPECT_TRUE(wire.is_closed_within(kPatience));
  }
  expect_refused_once_in_log("replay", 2);
}

// Whatever an eavesdropper recorded, whenever he says it again: the session that is up stays, and
// he is answered with little.
TEST_F(Hostile, RecordedFirstMessagesLeaveTheLiveSessionAlone) {
  constexpr std::size_t kAnswerBytesMax = 400;
  OpenBody change;
  change.kind = UpdateKind::kSet;
  change.writes.push_back({static_cast<std::uint16_t>(Field::kUnit), std::string("x")});
  std::vector<Bytes> recorded;
  const auto record = [&](test::End& end) {
    end.perform(clock.monotonic());
    recorded.push_back(end.outgoing);
  };
  for (int i = 0; i < 3; ++i) {  // by a key, by another, and with changes in the first message
    own->add_unit(sealed(update_on_dossier(change)));
    SessionConfig config = dialling();
    if (i == 1) config.peer_dh_key.reset();
    if (i == 2) config.heard = std::array<Cursor, 2>{};
    Wire wire(port);
    test::End end(*own, std::move(config), clock.monotonic());
    record(end);
    ASSERT_TRUE(talk(wire, end, [&] { return end.session.stats().drained_out; }));
  }
  for (int round = 0; round < 2; ++round) {
    if (round == 1) {  // at any later time: also by a program that was started anew
      victim.reset();
      victim = std::make_unique<Process>(folder / "H47");
    }
    Wire live_wire(port);
    test::End live(*own, dialling(), clock.monotonic());
    record(live);
    const auto drained = [&] { return live.session.stats().drained_out; };
    ASSERT_TRUE(talk(live_wire, live, drained));
    const auto is_up = [&] {
      own->add_unit(sealed(update_on_dossier(change)));
      live.session.on_feed_grown(clock.monotonic());
      return talk(live_wire, live, drained);
    };
    for (const Bytes& first : recorded) {
      Wire wire(port);
      wire.say(first);
      std::size_t answered = 0;
      EXPECT_TRUE(eventually(
          [&] {
            answered += wire.hear(milliseconds(50)).size();
            return wire.closed();
          },
          seconds(25)));  // half a handshake is given up after 20 s
      EXPECT_LE(answered, kAnswerBytesMax) << "recording of " << first.size() << " bytes";
      ASSERT_TRUE(is_up()) << "round " << round;
    }
  }
}

TEST_F(Hostile, BytesThatAreNoProtocolEndTheConnection) {
  Wire silent(port), dripping(port);  // for the end: the victim waits ten seconds
  dripping.say(Bytes{1});
  for (int i = 0; i < 5; ++i) {
    Wire version(port);
    version.say(Bytes{9, 1});
    Bytes answer;
    EXPECT_TRUE(eventually([&] {
      const Bytes heard = version.hear(milliseconds(50));
      answer.insert(answer.end(), heard.begin(), heard.end());
      return version.closed();
    }));
    EXPECT_EQ(answer, (Bytes{0, 1, 1})) << "the versions it speaks";
    Wire oversized(port);
    oversized.say(Bytes{1, 1, 0xff, 0xff});
    EXPECT_TRUE(oversized.is_closed_within(kPatience));
    Wire garbage(port);
    Bytes noise(4096);
    entropy.fill(noise);
    noise[0] = 1;
    noise[1] = 1;
    noise[2] = 200;
    noise[3] = 0;
    garbage.say(noise);
    EXPECT_TRUE(garbage.is_closed_within(kPatience));
    Wire web(port);
    const std::string request = "GET / HTTP/1.1\r\n\r\n";
    web.say(as_bytes(request));
    EXPECT_TRUE(web.is_closed_within(kPatience));
  }
  expect_refused_once_in_log("bad-version", 10);
  expect_refused_once_in_log("limit", 5);
  // What cannot be opened was made for another root, as far as anybody can tell.
  expect_refused_once_in_log("wrong-root", 5);
  EXPECT_TRUE(silent.is_closed_within(kPatience));
  EXPECT_TRUE(dripping.is_closed_within(kPatience));
  expect_refused_once_in_log("silent", 2);
}

}  // namespace
}  // namespace lienthong::agent
