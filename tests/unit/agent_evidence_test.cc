// Evidence files: what proves them, what is shown in them, and that a verifier written from the
// pages alone says the same of whole, partly disclosed, mutated and odd ones.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "agent/json/evidence.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/office/evidence.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using agent::evidence_json;
using nlohmann::json;

constexpr auto kName = static_cast<std::uint16_t>(Field::kApplicantName);

// ---- the other verifier ----

// What it says of each file, in their order.
std::vector<json> other_verdicts(const std::vector<Bytes>& files) {
  std::string pattern = (std::filesystem::temp_directory_path() / "lt_evidence_XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::ofstream out(folder / std::to_string(1'000'000 + i), std::ios::binary);
    out << as_text(files[i]);
  }
  const std::string command = "cd " + folder.string() +
                              " && python3 -B " LT_SOURCE_DIR
                              "/tools/verify_evidence.py 1* >out 2>err";
  const int code = std::system(command.c_str());
  std::vector<json> out;
  std::ifstream lines(folder / "out");
  for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line));
  std::ifstream err(folder / "err");
  EXPECT_EQ(out.size(), files.size())
      << "exit " << code << std::string(std::istreambuf_iterator<char>(err), {});
  std::filesystem::remove_all(folder);
  out.resize(files.size());
  return out;
}

json own_verdict(const Bytes& file) {
  const auto evidence = decode_evidence(file);
  if (!evidence.ok()) return {{"verified", false}, {"reason", evidence.error().message()}};
  const auto proved = prove(*evidence);
  if (!proved.ok()) return {{"verified", false}, {"reason", proved.error().message()}};
  json out = evidence_json(*proved);
  out["verified"] = true;
  return out;
}

struct Tally {
  std::size_t files = 0, verified = 0, plain = 0, without_right = 0;
};

// Both say the same of each: refused, or the same report.
Tally expect_agreement(const std::vector<Bytes>& files) {
  Tally tally;
  const auto others = other_verdicts(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    json own = own_verdict(files[i]);
    json other = others[i];
    ++tally.files;
    const std::string reasons = own.value("reason", "") + " / " + other.value("reason", "");
    for (json* report : {&own, &other}) {
      report->erase("reason");
      report->erase("file");
    }
    EXPECT_EQ(own, other) << "file " << i << ": " << json::diff(own, other) << ' ' << reasons;
    if (own != other) return tally;
    if (!own["verified"]) continue;
    ++tally.verified;
    tally.plain += own["plain"].get<bool>() ? 1 : 0;
    for (const json& update : own["updates"])
      tally.without_right += own["plain"].get<bool>() && update["right"] != "held" ? 1 : 0;
  }
  return tally;
}

// ---- offices that exchange ----

class Evidences : public ::testing::Test {
 protected:
  Evidences() : offices(1) {}

  RecordId begin() {
    RecordId record;
    commune.commit([&](store::Transaction& transaction) {
      store::Draft draft;
      draft.open.kind = UpdateKind::kCreated;
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), std::string("A-1")}};
      draft.open.closed_fields = {kName};
      draft.closed = ClosedBody{};
      draft.closed->writes = {{kName, std::string("Nguyễn Thị Lành")}};
      record = id_cast<RecordId>(transaction.write(draft).value());
    });
    return record;
  }
  UpdateId note(Office& office, const RecordId& record, const std::string& text) {
    UpdateId id;
    office.commit([&](store::Transaction& transaction) {
      store::Draft draft;
      draft.record = record;
      draft.open.kind = UpdateKind::kNote;
      draft.closed = ClosedBody{};
      draft.closed->note = text;
      id = transaction.write(draft).value();
    });
    return id;
  }
  void hand_over(const RecordId& record) {
    ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.district_id).ok());
    settle({&commune, &district, &province});
    ASSERT_TRUE(district.write(record, UpdateKind::kAccept).ok());
    settle({&commune, &district, &province});
  }
  store::Gathered gather(Office& office, const RecordId& record, store::Disclosure shown = {}) {
    auto gathered = store::gather_evidence(office.replica(), record, shown);
    EXPECT_TRUE(gathered.ok()) << gathered.error().message();
    return gathered.ok() ? *std::move(gathered) : store::Gathered{};
  }
  void say(const Statement& statement) {
    offices.deployment.add(statement);
    for (Office* office : {&commune, &district, &province})
      office->commit([&](store::Transaction& transaction) {
        ASSERT_TRUE(transaction.add_statements(offices.deployment.statements()).ok());
      });
  }

  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
};
using Evidence = Evidences;       // of what is gathered
using EvidenceFiles = Evidences;  // of files

bool holds(const Bytes& file, std::string_view text) {
  return as_text(file).find(text) != std::string_view::npos;
}

TEST_F(Evidence, ShowsExactlyTheClosedPartsThatWereAskedFor) {
  const RecordId record = begin();
  const UpdateId second = note(commune, record, "thiếu giấy tờ");
  hand_over(record);
  const RecordSecret secret = commune.replica().names()->secret(record).value();
  for (const bool all : {false, true}) {
    const auto gathered = gather(district, record, {all, {second}});
    EXPECT_EQ(gathered.unsealed, 0U);
    const Bytes file = encode_evidence(gathered.evidence);
    EXPECT_TRUE(holds(file, "thiếu giấy tờ"));
    EXPECT_EQ(holds(file, "Nguyễn Thị Lành"), all);
    EXPECT_FALSE(holds(file, as_text(secret))) << "it would show all of the record";
    const json report = own_verdict(file);
    ASSERT_TRUE(report["verified"]) << report;
    EXPECT_EQ(report["updates"][1]["shown"]["note"], "thiếu giấy tờ");
    EXPECT_EQ(report["updates"][0]["closed"], all ? "shown" : "withheld");
    EXPECT_EQ(report["holder"], offices.district_id.hex());
  }
  const auto unknown = store::gather_evidence(
      district.replica(), record, {false, {UpdateId::from(offices.district_id.view())}});
  EXPECT_EQ(unknown.error().code(), Errc::kNotFound);
  const auto offer = district.replica().find_record(record)->state.chain[1].id;
  const auto nothing = store::gather_evidence(district.replica(), record, {false, {offer}});
  EXPECT_EQ(nothing.error().code(), Errc::kNotFound) << "it has no closed part";
}

TEST_F(Evidence, LeavesOutWhatNoSealCovers) {
  const RecordId record = begin();
  EXPECT_EQ(store::gather_evidence(commune.replica(), record, {}).error().code(), Errc::kBusy);
  hand_over(record);
  note(district, record, "chưa gửi");
  const auto gathered = gather(district, record);
  EXPECT_EQ(gathered.unsealed, 1U);
  EXPECT_EQ(gathered.evidence.updates.size(), 3U);
  EXPECT_TRUE(prove(gathered.evidence).ok());
}

TEST_F(Evidence, OfARevokedMachineBearsTheRevocation) {
  const RecordId record = begin();
  hand_over(record);
  Revocation body;
  body.node = commune.node().id();
  body.decided_at = offices.deployment.tick();
  body.reason = "mất máy";
  TestNode& above = offices.deployment.issuer_above(offices.commune_id);
  say(above.say(offices.deployment.root(), body));
  const auto gathered = gather(district, record);
  const auto proved = prove(gathered.evidence);
  ASSERT_TRUE(proved.ok()) << proved.error().message();
  EXPECT_FALSE(proved->plain);
  EXPECT_EQ(encode_state(proved->state), encode_state(district.state(record)));
  const auto of_machine = [&](const Statement& statement) {
    const auto said = wire::decode_statement(statement.body).value();
    const auto* revocation = std::get_if<Revocation>(&said);
    return revocation != nullptr && revocation->node == body.node;
  };
  EXPECT_EQ(std::ranges::count_if(gathered.evidence.statements, of_machine), 1);
  EXPECT_TRUE(proved->state.holder.is_zero()) << "what began it is cut off";
}

// ---- files ----

TEST_F(EvidenceFiles, OfALaterVersionAreRefusedByName) {
  const RecordId record = begin();
  hand_over(record);
  Bytes file = encode_evidence(gather(district, record).evidence);
  file[8] = 2;
  const auto later = decode_evidence(file);
  EXPECT_EQ(later.error().code(), Errc::kBadVersion);
  EXPECT_NE(later.error().detail().find('2'), std::string::npos);
  EXPECT_EQ(decode_evidence(as_bytes("LTBUNDLE")).error().code(), Errc::kMalformed);
}

TEST_F(EvidenceFiles, EveryChangedByteIsNoticed) {
  const RecordId record = begin();
  hand_over(record);
  const Bytes file = encode_evidence(gather(district, record, {true, {}}).evidence);
  ASSERT_TRUE(own_verdict(file)["verified"]);
  for (std::size_t i = 0; i < file.size(); i += 1 + i % 11) {
    Bytes changed = file;
    changed[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_FALSE(own_verdict(changed)["verified"]) << "byte " << i;
  }
}

// ---- mutations ----

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t count) { return count == 0 ? 0 : random_() % count; }

  Bytes mutate(const Bytes& file) { return below(2) == 0 ? bytes(file) : parts(file); }

 private:
  Bytes bytes(Bytes file) {
    for (std::size_t left = 1 + below(3); left > 0; --left) {
      const std::size_t at = below(file.size());
      const auto place = file.begin() + static_cast<std::ptrdiff_t>(at);
      const std::size_t size = 1 + below(std::min<std::size_t>(40, file.size() - at));
      const auto end = place + static_cast<std::ptrdiff_t>(size);
      switch (below(6)) {
        case 0: file[at] ^= static_cast<std::uint8_t>(1U << below(8)); break;
        case 1: file[at] = static_cast<std::uint8_t>(random_()); break;
        case 2: file.erase(place, end); break;
        case 3: file.insert(place, size, static_cast<std::uint8_t>(random_())); break;
        case 4: {
          const Bytes copy(place, end);
          file.insert(file.begin() + static_cast<std::ptrdiff_t>(below(file.size())), copy.begin(),
                      copy.end());
          break;
        }
        default: file.resize(at + 1);
      }
    }
    return file;
  }

  template <class Item>
  void shuffle(std::vector<Item>& items) {
    if (items.empty()) return;
    const std::size_t at = below(items.size());
    switch (below(4)) {
      case 0: items.erase(items.begin() + static_cast<std::ptrdiff_t>(at)); break;
      case 1: items.push_back(items[at]); break;
      case 2: items.pop_back(); break;
      default: std::swap(items[at], items[below(items.size())]);
    }
  }

  // What a forger would do who knows the layout; some of it is right still.
  Bytes parts(const Bytes& file) {
    lienthong::Evidence evidence = decode_evidence(file).value();
    auto& updates = evidence.updates;
    EvidenceUpdate& update = updates[below(updates.size())];
    switch (below(9)) {
      case 0: shuffle(evidence.statements); break;
      case 1: shuffle(evidence.seals); break;
      case 2: shuffle(updates); break;
      case 3: shuffle(update.places); break;
      case 4: shuffle(update.places.front().proof); break;
      case 5: hide(update, evidence.root, false); break;
      case 6: hide(update, evidence.root, true); break;
      case 7: update.update.closed = updates[below(updates.size())].update.closed; break;
      default: drop_last(evidence);
    }
    return encode_evidence(evidence);
  }

  // A closed part that was shown is so no more.
  void hide(EvidenceUpdate& update, const RootFingerprint& root, bool wrongly) {
    if (!update.salt) return;
    update.update.closed_hash = closed_part_hash(
        root, *update.salt, encode_envelope(update.update.envelope), update.update.closed);
    if (wrongly) update.update.closed_hash.bytes[0] ^= 1;
    update.update.closed.clear();
    update.salt.reset();
  }

  // An older file of the same record.
  void drop_last(lienthong::Evidence& evidence) {
    if (evidence.updates.size() > 1) evidence.updates.pop_back();
    std::vector<Seal> seals;
    std::map<std::uint32_t, std::uint32_t> places;
    for (EvidenceUpdate& update : evidence.updates)
      for (EvidencePlace& place : update.places) {
        const auto [at, added] = places.emplace(place.seal, seals.size());
        if (added) seals.push_back(evidence.seals[place.seal]);
        place.seal = at->second;
      }
    evidence.seals = std::move(seals);
  }

  std::mt19937_64 random_;
};

// 10,000 with LT_EVIDENCE_MUTATIONS=10000.
TEST_F(EvidenceFiles, BothVerifiersAgreeOnMutatedFiles) {
  const RecordId record = begin();
  const UpdateId second = note(commune, record, "thiếu giấy tờ");
  hand_over(record);
  note(province, record, "đề nghị xử lý nhanh");
  settle({&province, &district});
  std::vector<Bytes> files;
  for (const store::Disclosure& shown :
       {store::Disclosure{}, store::Disclosure{false, {second}}, store::Disclosure{true, {}}})
    files.push_back(encode_evidence(gather(district, record, shown).evidence));
  const char* wanted = std::getenv("LT_EVIDENCE_MUTATIONS");
  const std::size_t count = wanted != nullptr ? std::stoul(wanted) : 300;
  Mutator mutator(7);
  std::vector<Bytes> all = files;
  while (all.size() < count + files.size())
    all.push_back(mutator.mutate(files[mutator.below(files.size())]));
  const Tally tally = expect_agreement(all);
  EXPECT_EQ(tally.files, all.size());
  EXPECT_GT(tally.verified, count / 20) << "those that are right still";
  EXPECT_LT(tally.verified, count / 2);
  RecordProperty("files", static_cast<int>(tally.files));
  RecordProperty("verified", static_cast<int>(tally.verified));
  if (wanted != nullptr)
    std::printf("%zu files, %zu of them verified, no disagreement\n", tally.files, tally.verified);
}

// ---- any history, under any tree ----

// Agencies and machines under a tree that moves, dissolves and renames, and a record that anybody
// writes to, mostly with the right.
class AnyHistory {
 public:
  explicit AnyHistory(std::uint64_t seed) : world_(seed), random_(seed) {
    agencies_.push_back(world_.add_agency({}, "H47", "Tỉnh", "province"));
    nodes_.push_back(&world_.add_node(agencies_[0], true));
    for (int i = 1; i <= 7; ++i) {
      const AgencyId parent = agencies_[i <= 2 ? 0 : 1 + below(2)];
      agencies_.push_back(world_.add_agency(parent, "H47." + std::to_string(i), "Cơ quan", "x"));
      nodes_.push_back(&world_.add_node(agencies_.back(), i <= 2));
    }
    for (std::size_t left = below(4); left > 0; --left) change_tree();
    if (below(8) == 0) revoke();
  }

  lienthong::Evidence make() {
    evidence_.root = world_.root();
    for (std::size_t left = 4 + below(14); left > 0; --left) write();
    evidence_.statements = world_.statements();
    return evidence_;
  }

 private:
  struct Written {
    UpdateId id;
    UpdateKind kind;
  };

  std::size_t below(std::size_t count) { return random_() % count; }
  AgencyId any() { return agencies_[below(agencies_.size())]; }

  void change_tree() {
    const AgencyId agency = agencies_[1 + below(agencies_.size() - 1)];
    const AgencyId other = any();
    if (agency == other) return;
    AgencyChange change{agency, Reparent{other}};
    if (below(2) == 0) change.change = Dissolve{{other}};
    if (below(5) == 0) change.change = Dissolve{};
    if (below(5) == 0) change.change = Rename{"H47.9", "Tên mới"};
    world_.change_tree({change});
  }

  void revoke() {
    Revocation body;
    body.node = nodes_[1 + below(nodes_.size() - 1)]->id();
    body.reason = "mất";
    body.decided_at = world_.tick();
    world_.add(world_.by_root(body));
  }

  UpdateKind any_kind() {
    constexpr std::array kKinds{
        UpdateKind::kOffer,   UpdateKind::kAccept, UpdateKind::kDecline, UpdateKind::kReclaim,
        UpdateKind::kSucceed, UpdateKind::kSet,    UpdateKind::kNote,    UpdateKind::kRecallRequest,
        UpdateKind::kConsult, UpdateKind::kReply,  UpdateKind::kShare,   UpdateKind::kInspect,
        UpdateKind::kErase,   UpdateKind::kAdopt,  UpdateKind::kUphold};
    return kKinds[below(kKinds.size())];
  }

  // Links that extend the last one, where that is the turn of somebody; now and then anything.
  void choose(Update& update, OpenBody& open, std::size_t& author) {
    const auto state = proved_.empty() ? RecordState{} : fold(proved_, *world_.registry());
    const bool likely = below(4) != 0 && !state.chain.empty();
    open.kind = any_kind();
    update.envelope.link = written_[below(written_.size())].id;
    if (!likely) return;
    update.envelope.link = state.chain.back().id;
    const AgencyId turn = state.turn();
    author = static_cast<std::size_t>(std::ranges::find(agencies_, turn) - agencies_.begin());
    if (open.kind == UpdateKind::kReply)
      for (const Written& before : written_)
        if (before.kind == UpdateKind::kConsult) update.envelope.link = before.id;
    if (open.kind == UpdateKind::kReclaim || open.kind == UpdateKind::kInspect ||
        open.kind == UpdateKind::kNote || open.kind == UpdateKind::kReply)
      author = below(agencies_.size());
    if (open.kind == UpdateKind::kRecallRequest)
      author =
          static_cast<std::size_t>(std::ranges::find(agencies_, state.holder) - agencies_.begin());
    if (open.kind == UpdateKind::kSucceed) {
      open.target = turn;
      const AgencyId heir = world_.registry()->resolve(turn, world_.registry()->newest());
      author = static_cast<std::size_t>(std::ranges::find(agencies_, heir) - agencies_.begin());
    }
  }

  void write() {
    Update update;
    OpenBody open;
    std::size_t author = below(agencies_.size());
    open.kind = UpdateKind::kCreated;
    update.envelope.tree_version =
        below(4) == 0 ? static_cast<TreeVersion>(below(world_.registry()->newest() + 1))
                      : world_.registry()->newest();
    if (!written_.empty()) choose(update, open, author);
    if (author >= agencies_.size()) author = 0;
    finish(open);
    if (!written_.empty()) {
      update.envelope.record = evidence_.record;
      std::set<UpdateId> parents{written_.back().id};
      if (below(6) == 0) parents = {written_[below(written_.size())].id};
      if (below(3) == 0) parents.insert(written_[below(written_.size())].id);
      update.envelope.deps.assign(parents.begin(), parents.end());
    }
    update.envelope.certificate = nodes_[author]->certificate;
    update.envelope.hlc.value = (1'680'307'200'000ULL + 1000 * written_.size()) << 16;
    update.open = wire::encode(open);
    EvidenceUpdate out;
    if (open.kind != UpdateKind::kUphold && below(2) == 0) close(update, open, out);
    const UpdateId id = update_id(world_.root(), update);
    if (written_.empty()) evidence_.record = id_cast<RecordId>(id);
    out.update = update;
    if (!out.salt) out.update.closed.clear();
    out.places.push_back(seal(*nodes_[author], id));
    written_.push_back({id, open.kind});
    GraphUpdate graph;
    graph.id = id;
    graph.envelope = update.envelope;
    graph.open = open;
    graph.agency = agencies_[author];
    proved_.push_back(graph);
    evidence_.updates.push_back(std::move(out));
  }

  void finish(OpenBody& open) {
    const UpdateKind kind = open.kind;
    if (open.target.is_zero() && (kind == UpdateKind::kOffer || kind == UpdateKind::kConsult ||
                                  kind == UpdateKind::kShare || kind == UpdateKind::kSucceed))
      open.target = any();
    if (kind == UpdateKind::kRecallRequest || kind == UpdateKind::kReply ||
        kind == UpdateKind::kAdopt)
      open.references = {written_.back().id};
    if (kind == UpdateKind::kSet || kind == UpdateKind::kAdopt || kind == UpdateKind::kCreated)
      open.writes = {{1, std::string("Mã số")},
                     {9, std::int64_t{1'680'307'200'000}},
                     {13, Bytes{1, 2, 3}},
                     {15, std::monostate()}};
    if (below(3) == 0) open.action = "forward";
  }

  void close(Update& update, const OpenBody&, EvidenceUpdate& out) {
    ClosedBody closed;
    closed.note = "ghi chú " + std::to_string(below(1000));
    closed.officer = below(2) == 0 ? "Lò Thị Hoa" : "";
    update.closed = wire::encode(closed);
    const Salt salt = world_.entropy().array<32>();
    update.closed_hash = closed_part_hash(world_.root(), salt, encode_envelope(update.envelope),
                                          ByteView(update.closed));
    if (below(2) == 0) out.salt = salt;
  }

  EvidencePlace seal(TestNode& node, const UpdateId& id) {
    std::vector<IndexedLeaf> leaves;
    std::vector<Hash256> values;
    const std::size_t count = 1 + below(9);
    const auto index = static_cast<std::uint16_t>(below(count));
    for (std::uint16_t i = 0; i < count; ++i) {
      values.push_back(i == index ? id_cast<Hash256>(id) : Hash256{world_.entropy().array<32>()});
      leaves.push_back({i, values.back()});
    }
    SealEvidence tree(node.seal(world_.root(), values));
    LT_CHECK(tree.absorb(world_.root(), leaves, {}).ok());
    evidence_.seals.push_back(tree.seal());
    return {static_cast<std::uint32_t>(evidence_.seals.size() - 1), index,
            tree.prove(world_.root(), std::span(&index, 1))};
  }

  TestDeployment world_;
  std::mt19937_64 random_;
  std::vector<AgencyId> agencies_;
  std::vector<TestNode*> nodes_;
  lienthong::Evidence evidence_;
  std::vector<Written> written_;
  std::vector<GraphUpdate> proved_;
};

TEST_F(EvidenceFiles, ThePlainRulesGiveWhatTheFullOnesDo) {
  const char* wanted = std::getenv("LT_EVIDENCE_HISTORIES");
  const std::size_t count = wanted != nullptr ? std::stoul(wanted) : 120;
  std::vector<Bytes> files;
  for (std::size_t seed = 1; seed <= count; ++seed)
    files.push_back(encode_evidence(AnyHistory(seed).make()));
  const Tally tally = expect_agreement(files);
  EXPECT_EQ(tally.verified, count);
  EXPECT_GT(tally.plain, count / 4);
  EXPECT_LT(tally.plain, count) << "some fork, or are revoked";
  EXPECT_GT(tally.without_right, count) << "some of what was written had no right";
  if (wanted != nullptr)
    std::printf("%zu files, %zu plain, %zu changes without right\n", tally.files, tally.plain,
                tally.without_right);
}

}  // namespace
}  // namespace lienthong::test
