#include "tests/support/offices.h"

#include <gtest/gtest.h>

#include "protocol/record/fields.h"
#include "store/office/projections.h"

namespace lienthong::test {

Office::Office(TestDeployment& deployment, const TestNode& node, rocksdb::Env* env,
               std::string path)
    : deployment_(deployment),
      node_(node),
      env_(env),
      path_(std::move(path)),
      entropy_(std::hash<std::string>()(path_)) {
  restart();
  if (!replica_->registry())
    if (auto done = replica_->bootstrap(deployment_.statements()); !done.ok())
      ADD_FAILURE() << done.error().message();
}

void Office::restart() {
  replica_.reset();
  store::Identity identity(node_.key);
  identity.agency = node_.agency;
  identity.certificate = node_.certificate;
  store::Options options = store::office_options();
  options.path = path_;
  options.env = env_;
  options.entropy = &entropy_;
  options.create = true;
  auto opened = store::Replica::open(options, identity, deployment_.root());
  if (!opened.ok()) throw std::runtime_error(opened.error().message());
  replica_ = *std::move(opened);
}

void Office::commit(const std::function<void(store::Transaction&)>& work) {
  store::Transaction transaction(*replica_, now += 1000);
  work(transaction);
  const auto done = transaction.commit();
  ASSERT_TRUE(done.ok()) << done.error().message();
  while (replica_->unfinished()) {
    store::Transaction further(*replica_, now);
    (void)further.go_on();
    ASSERT_TRUE(further.commit().ok());
  }
}

RecordId Office::create(std::string_view code) {
  RecordId record;
  commit([&](store::Transaction& transaction) {
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), std::string(code)}};
    draft.open.closed_fields = {static_cast<std::uint16_t>(Field::kApplicantName)};
    draft.closed = ClosedBody{};
    draft.closed->writes = {
        {static_cast<std::uint16_t>(Field::kApplicantName), std::string("Nguyễn Thị Lành")}};
    const auto id = transaction.write(draft);
    ASSERT_TRUE(id.ok()) << id.error().message();
    record = id_cast<RecordId>(*id);
  });
  return record;
}

Result<UpdateId> Office::write(const RecordId& record, UpdateKind kind, const AgencyId& target) {
  store::Transaction transaction(*replica_, now += 1000);
  store::Draft draft;
  draft.record = record;
  draft.open.kind = kind;
  draft.open.target = target;
  if (kind == UpdateKind::kRecallRequest) draft.open.references = {state(record).tip()};
  LT_TRY(const UpdateId id, transaction.write(draft));
  LT_TRY_VOID(transaction.commit());
  return id;
}

Result<UpdateId> Office::set_unit(const RecordId& record, std::string_view unit) {
  store::Transaction transaction(*replica_, now += 1000);
  store::Draft draft;
  draft.record = record;
  draft.open.kind = UpdateKind::kSet;
  draft.open.writes = {{static_cast<std::uint16_t>(Field::kUnit), std::string(unit)}};
  LT_TRY(const UpdateId id, transaction.write(draft));
  LT_TRY_VOID(transaction.commit());
  return id;
}

RecordState Office::state(const RecordId& record) {
  const auto entry = replica_->find_record(record);
  if (!entry) throw std::runtime_error("no such record");
  return entry->state;
}

Offices::Offices(std::uint64_t seed)
    : env(rocksdb::NewMemEnv(rocksdb::Env::Default())), deployment(seed) {
  province_id = deployment.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  const TestNode province_node = deployment.add_node(province_id, true);
  district_id = deployment.add_agency(province_id, "H47.518", "Huyện Phú Ninh", "district");
  const TestNode district_node = deployment.add_node(district_id, true);
  commune_id = deployment.add_agency(district_id, "H47.518.20374", "Xã Tam Đàn", "commune");
  const TestNode commune_node = deployment.add_node(commune_id);
  other_id = deployment.add_agency(district_id, "H47.518.20395", "Xã Tam Lãnh", "commune");
  const TestNode other_node = deployment.add_node(other_id);
  province = std::make_unique<Office>(deployment, province_node, env.get(), "/province");
  district = std::make_unique<Office>(deployment, district_node, env.get(), "/district");
  commune = std::make_unique<Office>(deployment, commune_node, env.get(), "/commune");
  other = std::make_unique<Office>(deployment, other_node, env.get(), "/other");
}

Office& Offices::add(const AgencyId& agency, std::string path, bool may_issue) {
  const TestNode node = deployment.add_node(agency, may_issue);
  more.push_back(std::make_unique<Office>(deployment, node, env.get(), std::move(path)));
  return *more.back();
}

bool send(Office& from, Office& to, std::size_t bytes_max) {
  from.commit([&](store::Transaction& transaction) {
    EXPECT_TRUE(transaction.ensure_feed(to.agency()).ok());
    EXPECT_TRUE(transaction.seal_pending(to.agency()).ok());
  });
  bool sent = false;
  for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
    for (;;) {
      const Cursor cursor = to.replica().cursor(kind, from.node().id());
      const FeedMark end = from.replica().feed_end(kind, to.agency());
      const auto hash = from.replica().feed_hash(kind, to.agency(), cursor.mark.number);
      const bool fits = cursor.mark.epoch == end.epoch && hash == cursor.mark.hash;
      // Whether the reader's own feed goes on where the writer is: as Begin says in a session.
      const Cursor back = from.replica().cursor(kind, to.node().id());
      const FeedMark theirs = to.replica().feed_end(kind, from.agency());
      const bool joins =
          back.mark.number == 0 ||
          (back.mark.epoch == theirs.epoch &&
           to.replica().feed_hash(kind, from.agency(), back.mark.number) == back.mark.hash);
      const auto part = from.replica().read_feed(
          {kind, to.agency(), to.node().id(), joins ? Echo::kPassOver : Echo::kCarry,
           fits ? cursor.mark.number + 1 : 1, kFeedNumberMax, bytes_max});
      if (!part.ok()) throw std::runtime_error(part.error().message());
      if (!*part) break;
      sent = true;
      to.commit([&](store::Transaction& transaction) {
        const auto outcome = transaction.receive(kind, from.node().id(), from.agency(), **part);
        ASSERT_TRUE(outcome.ok()) << outcome.error().message();
      });
    }
  }
  return sent;
}

void settle(std::vector<Office*> chain) {
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
      moved = send(*chain[i], *chain[i + 1]) || moved;
      moved = send(*chain[i + 1], *chain[i]) || moved;
    }
  }
}

}  // namespace lienthong::test
