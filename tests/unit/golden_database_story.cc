// What the district did until its database had rows of every kind.
#include <rocksdb/db.h>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/desk/operations.h"
#include "store/exchange/invitation.h"
#include "store/office/projections.h"
#include "store/replica/local_names.h"
#include "store/replica/raw.h"
#include "store/replica/registry_copy.h"
#include "store/replica/rows.h"
#include "store/scans/blobs.h"
#include "tests/support/offices.h"
#include "tests/unit/golden_database.h"
#include "tests/unit/golden_world.h"

namespace lienthong::golden {
namespace {

using test::Office;
using test::TestNode;

constexpr UnixMillis kHour = 3'600'000;

FieldWrite write_of(Field field, FieldValue value) {
  return {static_cast<std::uint16_t>(field), std::move(value)};
}

Bytes scan_bytes(std::size_t size, std::uint8_t seed) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * seed + i / 255);
  return out;
}

class Story {
 public:
  explicit Story(const std::filesystem::path& folder)
      : folder_(folder), env_(rocksdb::NewMemEnv(rocksdb::Env::Default())), deployment_(47) {
    province_id_ = deployment_.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
    TestNode& province = deployment_.add_node(province_id_, true);
    district_id_ = deployment_.add_agency(province_id_, "H47.518", "Huyện Phú Ninh", "district");
    TestNode& district = deployment_.add_node(district_id_, true);
    commune_id_ = deployment_.add_agency(district_id_, "H47.518.20374", "Xã Tam Đàn", "commune");
    TestNode& commune = deployment_.add_node(commune_id_);
    TestNode& twin = deployment_.add_node(commune_id_);
    other_id_ = deployment_.add_agency(district_id_, "H47.518.20395", "Xã Tam Lãnh", "commune");
    TestNode& other = deployment_.add_node(other_id_);
    third_id_ = deployment_.add_agency(district_id_, "H47.518.20398", "Xã Tam Thái", "commune");
    TestNode& third = deployment_.add_node(third_id_);
    const auto office = [&](const TestNode& node, const char* path) {
      return std::make_unique<Office>(deployment_, node, env_.get(), path);
    };
    province_ = office(province, "/province");
    commune_ = office(commune, "/commune");
    twin_ = office(twin, "/twin");
    other_ = office(other, "/other");
    third_ = office(third, "/third");
    district_ = std::make_unique<Office>(deployment_, district, nullptr, folder.string());
  }

  Item tell() {
    const TestNode node = district_->node();
    procedure_and_records();
    erased_and_stripped();
    notary();
    cut_that_was_moved();
    under_a_second_seal();
    scans();
    handed_on();
    small_rows();
    disk_that_went_back();
    district_->restart();  // what came so far lies in tables, what follows in the log
    what_waits();
    unfinished();
    Item item;
    item.give_number("layout", store::kLayoutVersion);
    item.give("root", deployment_.root().view());
    item.give("signing", node.key.seed());
    item.give("agency", district_id_.view());
    item.give("certificate", node.certificate.view());
    return item;
  }

 private:
  void settle_all() {
    for (int round = 0; round < 2; ++round)
      for (Office* office : {commune_.get(), twin_.get(), other_.get(), third_.get()})
        test::settle({office, district_.get(), province_.get()});
  }
  UpdateId write(Office& office, store::Draft draft) {
    UpdateId id;
    office.commit(
        [&](store::Transaction& transaction) { id = transaction.write(std::move(draft)).value(); });
    return id;
  }
  RecordId create(Office& office, RecordKind kind, std::string code, RecordId lead = {}) {
    const Named about{office.agency(), district_id_, procedure_, std::move(code)};
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    draft.open.record_kind = kind;
    draft.open.writes = all_writes(kind, Part::kOpen, about);
    draft.open.lead = lead;
    draft.open.action = "receive";
    if (kind != RecordKind::kProcedure) {
      draft.closed = ClosedBody{};
      draft.closed->writes = all_writes(kind, Part::kClosed, about);
      for (const FieldWrite& one : draft.closed->writes)
        draft.open.closed_fields.push_back(one.field);
    }
    return id_cast<RecordId>(write(office, std::move(draft)));
  }
  UpdateId note(Office& office, const RecordId& record, std::string text) {
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kNote;
    draft.closed = ClosedBody{};
    draft.closed->note = std::move(text);
    return write(office, std::move(draft));
  }
  void hand_over(const RecordId& record, Office& from, Office& to) {
    LT_CHECK(from.write(record, UpdateKind::kOffer, to.agency()).ok());
    test::settle({&from, &to});
    LT_CHECK(to.write(record, UpdateKind::kAccept).ok());
    test::settle({&from, &to});
  }
  // Those updates under the next seal of that machine, as it would send them.
  SealedUnit sealed(TestNode& by, const std::vector<Update>& updates) {
    std::vector<Hash256> leaves;
    SealedUnit unit;
    for (const Update& update : updates) {
      unit.leaves.push_back({static_cast<std::uint16_t>(leaves.size()), update});
      leaves.push_back(id_cast<Hash256>(update_id(deployment_.root(), update)));
    }
    unit.seal = by.seal(deployment_.root(), leaves);
    return unit;
  }
  void give(FeedKind kind, const Office& from, FeedPart part) {
    district_->commit(
        [&](store::Transaction& transaction) { take(transaction, kind, from, part); });
  }
  void take(store::Transaction& transaction, FeedKind kind, const Office& from,
            const FeedPart& part) {
    LT_CHECK(transaction.receive(kind, from.node().id(), from.agency(), part).ok());
  }

  void procedure_and_records() {
    procedure_ = create(*province_, RecordKind::kProcedure, "1.001193");
    settle_all();
    birth_ = create(*commune_, RecordKind::kDossier, "H47.518.20374-230403-0001");
    create(*commune_, RecordKind::kFeedback, "H47.518.20374-PA-230403-0001");
    create(*commune_, RecordKind::kDocument, "20374-VB-DEN-2023-000125");
    hand_over(birth_, *commune_, *district_);
    const RecordId leg =
        create(*district_, RecordKind::kLeg, "H47.518.20374-230403-0001/1", birth_);
    hand_over(leg, *district_, *other_);
    LT_CHECK(district_->write(birth_, UpdateKind::kConsult, other_id_).ok());
    LT_CHECK(district_->write(birth_, UpdateKind::kShare, third_id_).ok());
    store::Draft keyed;
    keyed.record = birth_;
    keyed.open.kind = UpdateKind::kSet;
    keyed.open.writes = {write_of(Field::kStatus, std::int64_t{2})};
    keyed.key_hash = Bytes(16, 0x47);
    write(*district_, keyed);
    settle_all();
  }

  void erased_and_stripped() {
    const RecordId erased = create(*commune_, RecordKind::kDossier, "H47.518.20374-230403-0002");
    store::Draft erase;
    erase.record = erased;
    erase.open.kind = UpdateKind::kErase;
    erase.open.decision = "15/QĐ-UBND";
    settle_all();
    write(*commune_, erase);
    settle_all();
    // What the other commune has, without its closed parts.
    const RecordId bare = create(*other_, RecordKind::kDossier, "H47.518.20395-230403-0001");
    note(*other_, bare, "Thiếu giấy chứng sinh");
    other_->commit([&](store::Transaction& transaction) {
      LT_CHECK(transaction.ensure_feed(district_id_).ok());
      LT_CHECK(transaction.seal_pending(district_id_).ok());
    });
    const Cursor cursor = district_->replica().cursor(FeedKind::kUpdates, other_->node().id());
    const auto part =
        other_->replica().read_feed({FeedKind::kUpdates, district_id_, district_->node().id(),
                                     Echo::kPassOver, cursor.mark.number + 1});
    LT_CHECK(part.ok() && part->has_value());
    FeedPart stripped = **part;
    for (SealedUnit& unit : stripped.units)
      for (SealedLeaf& leaf : unit.leaves) {
        leaf.update.closed.clear();
        leaf.update.secret.reset();
      }
    give(FeedKind::kUpdates, *other_, stripped);
  }

  // Two machines of the commune hand one dossier to two others; the district's desk says which.
  void notary() {
    const RecordId record = create(*commune_, RecordKind::kDossier, "H47.518.20374-230403-0003");
    settle_all();
    district_->commit([&](store::Transaction& transaction) {
      for (const Office* office :
           {commune_.get(), twin_.get(), other_.get(), third_.get(), province_.get()})
        transaction.note_exchanged(office->node().id());
    });
    hand_over(record, *commune_, *other_);
    test::send(*other_, *district_);
    twin_->now -= 2 * kHour;
    third_->now -= 2 * kHour;
    hand_over(record, *twin_, *third_);
    test::send(*third_, *district_);
    twin_->now += 2 * kHour;
    third_->now += 2 * kHour;
    LT_CHECK(!district_->state(record).forks.empty());
    settle_all();
  }

  // The twin is revoked, and later the cut is moved so that its dossier counts again.
  void cut_that_was_moved() {
    const RecordId lost = create(*twin_, RecordKind::kDossier, "H47.518.20374-230404-0001");
    note(*twin_, lost, "Chờ bổ sung");
    settle_all();
    const auto seal_of = [&](const UpdateId& id) {
      const auto seal = district_->replica().find_update(id)->seal;
      return district_->replica().find_seal(*seal)->seal();
    };
    const Seal last = seal_of(district_->state(lost).heads.front());
    Revocation revocation;
    revocation.node = twin_->node().id();
    revocation.reason = "mất máy";
    revocation.decided_at = district_->now;
    revocation.cuts = {{last.incarnation, last.number - 1, {}, {}}};
    const StatementId first = state(revocation);
    revocation.cuts = {{last.incarnation, last.number, seal_id(deployment_.root(), last), {}}};
    revocation.after = {first};
    state(revocation);
  }
  StatementId state(const StatementBody& body) {
    StatementId id;
    district_->commit(
        [&](store::Transaction& transaction) { id = transaction.state(body).value(); });
    return id;
  }

  // As a restored machine of the commune seals again what it had sealed.
  void under_a_second_seal() {
    TestNode restored = commune_->node();
    restored.incarnation ^= 0x5a;
    restored.number = 0;
    restored.last_seal = {};
    const auto first = district_->replica().find_update(id_cast<UpdateId>(birth_));
    FeedPart part;
    part.units = {sealed(restored, {first->update})};
    give(FeedKind::kUpdates, *commune_, part);
  }

  void scans() {
    const auto blobs = store::Blobs::open(district_->replica()).value();
    auto upload = blobs->begin_upload().value();
    LT_CHECK(upload.add(scan_bytes(70'000, 3)).ok());
    const store::BlobInfo info = upload.finish(district_->now).value();
    store::Draft draft;
    draft.record = birth_;
    draft.open.kind = UpdateKind::kSet;
    draft.open.closed_fields = {static_cast<std::uint16_t>(Field::kComponents)};
    draft.closed.emplace();
    BlobId lacking;
    lacking.bytes.fill(0x5a);
    draft.closed->writes = {
        write_of(Field::kComponents,
                 wire::encode(std::vector<wire::Component>{
                     {"Giấy chứng sinh", "digital", 1, blob_text(info.id), info.size, "image/jpeg"},
                     {"Sổ hộ khẩu", "digital", 1, blob_text(lacking), 50'000, "image/jpeg"}}))};
    write(*district_, draft);
    LT_CHECK(!*blobs->catch_up(10'000, district_->now));
    LT_CHECK(blobs->want(lacking, store::BlobReason::kDemand, district_->now).ok());
    LT_CHECK(blobs->note_holder(info.id, {commune_->node().id(), commune_id_}).ok());
    LT_CHECK(blobs->note_shown(info.id, birth_).ok());
    rot(*blobs);
    auto unfinished = blobs->begin_upload().value();
    LT_CHECK(unfinished.add(scan_bytes(900, 5)).ok());
  }

  // A file whose bytes on the disk are others one day.
  void rot(store::Blobs& blobs) {
    auto upload = blobs.begin_upload().value();
    LT_CHECK(upload.add(scan_bytes(900, 7)).ok());
    const store::BlobInfo info = upload.finish(district_->now).value();
    const store::Database& database = store::RawReplica(district_->replica()).database();
    const std::unique_ptr<rocksdb::Iterator> last(database.db().NewIterator({}, database.scans()));
    last->SeekForPrev("d");  // the chunk that was written last
    LT_CHECK(database.db().Put({}, database.scans(), last->key(), "rot").ok());
    LT_CHECK(!blobs.read_chunk(info.id, 0).has_value());
    LT_CHECK(blobs.give_up_damaged(district_->now).value().size() == 1);
  }

  // Offered by one commune to the other, by way of the district, and not answered.
  void handed_on() {
    const RecordId record = create(*commune_, RecordKind::kDossier, "H47.518.20374-230405-0001");
    LT_CHECK(commune_->write(record, UpdateKind::kOffer, other_id_).ok());
    test::send(*commune_, *district_);
  }

  void small_rows() {
    district_->commit([&](store::Transaction& transaction) {
      const store::Invitation invitation{{}, other_id_, true, false, district_->now, {}};
      const std::array<std::uint8_t, 8> number{1, 2, 3, 4, 5, 6, 7, 8};
      transaction.set_local_value(store::invitation_key(number),
                                  store::encode_invitation(invitation));
      transaction.set_local_value(store::local::kBudget, to_bytes(as_bytes("2023-04-03 120000")));
      (void)transaction.next_session_number(commune_->node().id());
      transaction.note_session_number_seen(commune_->node().id(), 12);
      transaction.note_refused(third_->node().id(), third_id_, id_cast<UpdateId>(procedure_),
                               "bad-hash: closed part");
      transaction.note_refused_by_peer(commune_->node().id(), commune_id_,
                                       id_cast<UpdateId>(birth_), "too-large: the update");
      Cursor heard;
      heard.mark = district_->replica().feed_end(FeedKind::kUpdates, commune_id_);
      transaction.note_heard_cursor(FeedKind::kUpdates, commune_->node().id(), heard);
    });
    // An offer that is taken back before it left.
    const RecordId record = create(*district_, RecordKind::kDossier, "H47.518-230405-0001");
    const auto offer = district_->write(record, UpdateKind::kOffer, other_id_);
    district_->commit(
        [&](store::Transaction& transaction) { LT_CHECK(transaction.withdraw(*offer).ok()); });
  }

  // The third commune's feed begins anew: all that it had comes once more.
  void disk_that_went_back() {
    create(*third_, RecordKind::kDossier, "H47.518.20398-230405-0001");
    test::settle({third_.get(), district_.get()});
    third_->commit([&](store::Transaction& transaction) {
      Cursor nowhere;
      nowhere.mark = third_->replica().feed_end(FeedKind::kUpdates, district_id_);
      nowhere.mark.number += 1000;
      transaction.note_heard_cursor(FeedKind::kUpdates, district_->node().id(), nowhere);
    });
    test::send(*third_, *district_);
  }

  void what_waits() {
    // An update of which the one before has not come.
    const RecordId record = create(*other_, RecordKind::kDossier, "H47.518.20395-230405-0001");
    const UpdateId child = note(*other_, record, "Chờ xác minh");
    TestNode machine = other_->node();
    machine.incarnation ^= 0x33;
    machine.number = 0;
    machine.last_seal = {};
    FeedPart part;
    part.units = {sealed(machine, {other_->replica().find_update(child)->update})};
    // One by a machine whose certificate has not come, and that certificate without its issuer's.
    TestNode& upper = deployment_.add_node(district_id_, true);
    (void)upper;
    TestNode stranger = deployment_.make_node(third_id_);
    TestNode issuer = upper;
    const Statement certificate =
        issuer.say(deployment_.root(), deployment_.certificate(third_id_, stranger));
    stranger.certificate = id_cast<CertificateId>(statement_id(deployment_.root(), certificate));
    Update by_stranger = other_->replica().find_update(id_cast<UpdateId>(record))->update;
    by_stranger.envelope.certificate = stranger.certificate;
    part.units.push_back(sealed(stranger, {by_stranger}));
    FeedPart registry;
    registry.statements = {certificate};
    give(FeedKind::kUpdates, *other_, part);
    give(FeedKind::kRegistry, *province_, registry);
  }

  // A feed that is not whole, records that are to be judged anew, and what was not sealed yet.
  void unfinished() {
    // A closing of some other life of this machine: from now on its seals are looked at.
    const StatementId tree = deployment_.change_tree({{third_id_, Rename{"", "Xã Tam Thái"}}});
    Closing closing;
    closing.node = district_->node().id();
    closing.version = 1;
    closing.tree_version = 1;
    closing.decided_at = district_->now;
    closing.stretch = {1, 2};
    TestNode speaker = province_->node();
    speaker.incarnation ^= 0x77;
    speaker.number = 0;
    speaker.last_seal = {};
    FeedPart registry;
    registry.statements = {*deployment_.registry()->find_statement(tree),
                           speaker.say(deployment_.root(), closing)};
    give(FeedKind::kRegistry, *province_, registry);
    const UpdateId ours = note(*district_, birth_, "Chưa gửi");
    note(*district_, birth_, "Cũng chưa gửi");
    const Update update = district_->replica().find_update(ours)->update;
    const TestNode node = district_->node();
    TestNode forgotten = node;
    forgotten.incarnation ^= 0x99;
    forgotten.number = 0;
    forgotten.last_seal = {};
    FeedPart part;
    part.units = {sealed(forgotten, {update})};
    const UnixMillis now = district_->now + 1000;
    district_.reset();
    test::SeededEntropy entropy(48);
    store::Options options = store::office_options();
    options.path = folder_.string();
    options.entropy = &entropy;
    options.fill_records_max = 1;
    const auto replica =
        store::Replica::open(options, identity_of(node), deployment_.root()).value();
    store::Transaction transaction(*replica, now);
    LT_CHECK(transaction.begin_feed(district_id_).ok());
    take(transaction, FeedKind::kUpdates, *commune_, part);
    LT_CHECK(transaction.commit().ok());
    LT_CHECK(store::write_registry_copy(*replica, folder_.string()).ok());
  }

  static store::Identity identity_of(const TestNode& node) {
    store::Identity out(node.key);
    out.agency = node.agency;
    out.certificate = node.certificate;
    return out;
  }

  std::filesystem::path folder_;
  std::unique_ptr<rocksdb::Env> env_;
  test::TestDeployment deployment_;
  AgencyId province_id_, district_id_, commune_id_, other_id_, third_id_;
  std::unique_ptr<Office> province_, district_, commune_, twin_, other_, third_;
  RecordId procedure_, birth_;
};

}  // namespace

Item make_database(const std::filesystem::path& folder) { return Story(folder).tell(); }

}  // namespace lienthong::golden
