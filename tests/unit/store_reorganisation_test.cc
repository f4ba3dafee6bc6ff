// A reorganisation in small, on replicas: two provinces under roots of their own are joined, three
// tiers become two, communes are merged, with handoffs open on the day, one office cut off over it,
// and its work from before coming a week later.
#include <gtest/gtest.h>

#include "protocol/record/fields.h"
#include "protocol/record/root_file.h"
#include "store/desk/operations.h"
#include "store/trust/machines.h"
#include "store/trust/tree.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::Accept;
using store::Offer;
using store::SetFields;
using store::Transaction;

constexpr UnixMillis kWeek = 7LL * 24 * 3600 * 1000;

class Reorganisation : public ::testing::Test {
 protected:
  Reorganisation() : west(1), east(2) {
    held_by_commune = create(*east.commune, "E-1");
    held_by_district = create(*east.commune, "E-2");
    offered_to_district = create(*east.province, "E-3");
    offered_to_other = create(*east.commune, "E-4");
    of_other = create(*east.other, "E-5");
    late_offer = create(*east.other, "E-6");
    settle_apart();
    write(*east.commune, held_by_district, UpdateKind::kOffer, east.district_id);
    write(*east.province, offered_to_district, UpdateKind::kOffer, east.district_id);
    write(*east.commune, offered_to_other, UpdateKind::kOffer, east.other_id);
    settle_apart();
    write(*east.district, held_by_district, UpdateKind::kAccept);
    settle_apart();
  }

  RecordId create(Office& office, const char* code) {
    const RecordId record = office.create(code);
    records.push_back(record);
    return record;
  }
  void write(Office& office, const RecordId& record, UpdateKind kind, const AgencyId& to = {}) {
    const auto done = office.write(record, kind, to);
    ASSERT_TRUE(done.ok()) << done.error().message();
  }
  // An operation as the desk types it.
  Result<store::OperationResult> operate(Office& office, store::Operation operation) {
    Transaction transaction(office.replica(), office.now += 1000);
    LT_TRY(auto result, store::apply_operation(transaction, operation));
    LT_TRY_VOID(transaction.commit());
    return result;
  }

  void settle_apart() {
    for (Offices* side : {&west, &east})
      for (int i = 0; i < 2; ++i) {
        settle({side->commune.get(), side->district.get(), side->province.get()});
        settle({side->other.get(), side->district.get()});
      }
  }
  // Without the office that is cut off.
  void settle_joined() {
    for (int i = 0; i < 3; ++i) {
      settle({east.commune.get(), east.district.get(), east.province.get(), west.province.get(),
              west.district.get(), west.commune.get()});
      settle({west.other.get(), west.district.get()});
      if (reorganised) settle({east.commune.get(), west.province.get()});
    }
  }
  void settle_all() {
    cut_off = false;
    for (int i = 0; i < 2; ++i) {
      settle({east.other.get(), east.district.get()});
      settle_joined();
    }
    settle({east.other.get(), east.district.get()});
    // Its successor tells it what is no longer for the district.
    if (reorganised) settle({east.other.get(), east.commune.get()});
  }
  std::vector<Office*> all() {
    std::vector<Office*> out;
    for (Offices* side : {&west, &east})
      for (const auto* office : {&side->province, &side->district, &side->commune, &side->other})
        out.push_back(office->get());
    return out;
  }

  static void take_in(Office& office, std::vector<Statement> statements) {
    office.commit([&](Transaction& transaction) {
      const auto added = transaction.add_statements(statements);
      ASSERT_TRUE(added.ok()) << added.error().message();
    });
  }
  void join() {
    const Statement adoption = west.deployment.adopts(east.deployment, west.province_id);
    std::vector<Statement> ours = west.deployment.statements();
    std::vector<Statement> theirs = east.deployment.statements();
    ours.insert(ours.begin(), adoption);
    theirs.insert(theirs.begin(), adoption);
    take_in(*west.province, std::move(theirs));
    take_in(*east.province, std::move(ours));
    settle_joined();
  }
  // What the resolution says: no districts in the east, its province is part of the western one,
  // and of its two communes one goes into the other, which comes below the province and gets a new
  // name.
  std::vector<AgencyChange> resolution() const {
    return {{east.other_id, Dissolve{{east.commune_id}}},
            {east.district_id, Dissolve{{east.commune_id}}},
            {east.commune_id, Rename{"H47.30001", "Xã Mới"}},
            {east.province_id, Dissolve{{west.province_id}}},
            {east.commune_id, Reparent{west.province_id}}};
  }
  store::TreePlan plan(const char* note = "1659/NQ-UBTVQH15") {
    auto out = store::plan_tree(west.province->replica(), resolution(), note, west.province->now,
                                [] { return false; });
    if (!out.ok()) throw std::runtime_error(out.error().message());
    return *std::move(out);
  }
  // Out as a file, signed where the root key is, and in again.
  void reorganise() {
    RootFile file;
    const auto registry = west.province->replica().registry();
    file.root = registry->root();
    for (const StatementId& id : registry->statements())
      file.registry.push_back(*registry->find_statement(id));
    file.said = plan().said;
    const auto read = decode_root_file(encode_root_file(file));
    ASSERT_TRUE(read.ok()) << read.error().message();
    const auto made = sign_root_file(*read, west.deployment.key_in_use());
    ASSERT_TRUE(made.ok()) << made.error().message();
    const auto back = decode_root_file(encode_root_file(*made));
    ASSERT_TRUE(back.ok());
    take_in(*west.province, statements_in(*back));
    reorganised = true;
    settle_joined();
  }
  // Before the day, at the office that is cut off.
  void work_without_a_line() {
    ASSERT_TRUE(east.other->set_unit(of_other, "Tư pháp").ok());
    write(*east.other, offered_to_other, UpdateKind::kAccept);
    write(*east.other, late_offer, UpdateKind::kOffer, east.district_id);
  }
  static SetFields set_unit(const char* code) {
    SetFields out;
    out.record = code;
    out.open = {{static_cast<std::uint16_t>(Field::kUnit), std::string("Văn phòng")}};
    return out;
  }
  std::size_t risen(const store::RevocationPlan& plan) {
    std::size_t out = 0;
    EXPECT_TRUE(store::for_each_consequence(west.province->replica(), plan.after,
                                            [&](const store::Consequence& one) {
                                              out += one.updates_risen;
                                              return true;
                                            })
                    .ok());
    return out;
  }
  // Every office whom the record is for under the newest tree holds it and says the same of it.
  // Those who no longer are in its audience keep what they had.
  RecordState agreed(const RecordId& record) {
    const RecordState out = west.province->state(record);
    const auto registry = west.province->replica().registry();
    const std::vector<AgencyId> readers = audience(out, *registry);
    for (const AgencyId& agency : {west.province_id, east.commune_id})
      EXPECT_TRUE(std::ranges::binary_search(readers, agency)) << agency.short_hex();
    for (Office* office : all()) {
      if (office == east.other.get() && cut_off) continue;
      if (!std::ranges::binary_search(readers, office->agency())) continue;
      const auto held = office->replica().find_record(record);
      EXPECT_TRUE(held) << office->agency().short_hex();
      if (held) {
        EXPECT_TRUE(held->state == out)
            << office->agency().short_hex() << " of " << record.short_hex();
      }
    }
    return out;
  }
  void expect_sound() {
    const Hash256 digest = west.province->replica().registry()->digest();
    for (Office* office : all()) {
      EXPECT_EQ(office->replica().registry()->digest(), digest);
      EXPECT_TRUE(office->replica().verify_states().empty());
    }
  }

  Offices west, east;
  bool cut_off = true;       // east.other
  bool reorganised = false;  // the eastern commune has its line to the western province
  std::vector<RecordId> records;
  RecordId held_by_commune, held_by_district, offered_to_district, offered_to_other, of_other,
      late_offer;
};

TEST_F(Reorganisation, IsToldBeforehand) {
  join();
  const store::TreePlan told = plan();
  EXPECT_EQ(told.outlook.change.number, 2u);
  ASSERT_EQ(told.outlook.dissolved.size(), 3u);
  for (const store::Dissolved& one : told.outlook.dissolved) {
    EXPECT_TRUE(one.named);
    EXPECT_EQ(one.machines, 1u);
    EXPECT_EQ(one.heir, one.agency == east.province_id ? west.province_id : east.commune_id);
  }
  EXPECT_EQ(told.records, records.size());
  EXPECT_EQ(told.turns_passing, 5u) << "all but the dossier that the commune holds";
  EXPECT_EQ(told.offers_open, 2u);
  EXPECT_EQ(told.turns_undecided, 0u);
  EXPECT_TRUE(told.outlook.closed_by_root.empty());
  EXPECT_EQ(told.said.size(), 1u) << "closings are for the desks to write";
  // The district left where it is goes with its province, and the communes below it do.
  const auto forgotten = store::outlook(*west.province->replica().registry(),
                                        {{east.province_id, Dissolve{{west.province_id}}}}, "", 1);
  ASSERT_TRUE(forgotten.ok());
  EXPECT_EQ(forgotten->dissolved.size(), 4u);
  const auto unnamed = std::ranges::count(forgotten->dissolved, false, &store::Dissolved::named);
  EXPECT_EQ(unnamed, 3);
}

TEST_F(Reorganisation, SuccessorsActForThoseThatAreGone) {
  join();
  reorganise();
  // The new commune works on what was the district's, and on what was offered to it.
  SetFields unit = set_unit("E-2");
  auto done = operate(*east.commune, unit);
  ASSERT_TRUE(done.ok()) << done.error().message();
  EXPECT_EQ(east.commune->state(held_by_district).holder, east.commune_id);
  done = operate(*east.commune, Accept{.record = "E-3"});
  ASSERT_TRUE(done.ok()) << done.error().message();
  settle_joined();
  EXPECT_EQ(agreed(held_by_district).holder, east.commune_id);
  EXPECT_EQ(agreed(offered_to_district).holder, east.commune_id);
  EXPECT_EQ(agreed(offered_to_other).offered, east.other_id) << "the offer stays open";
  // Who is dissolved signs nothing more that counts.
  EXPECT_FALSE(operate(*east.district, Offer{.record = "E-2", .to = west.province_id}).ok());
}

TEST_F(Reorganisation, OfTwoProvincesLeavesEveryDossierOneCustodian) {
  join();
  work_without_a_line();
  reorganise();
  ASSERT_TRUE(operate(*east.commune, set_unit("E-2")).ok());
  ASSERT_TRUE(operate(*east.commune, Accept{.record = "E-3"}).ok());
  // A week later the line is back.
  for (Office* office : all()) office->now += kWeek;
  settle_all();
  expect_sound();
  const auto registry = west.province->replica().registry();
  const TreeVersion newest = registry->newest();
  for (const RecordId& record : records) {
    const RecordState state = agreed(record);
    ASSERT_FALSE(state.holder.is_zero());
    EXPECT_TRUE(state.forks.empty());
    EXPECT_FALSE(registry->dissolved(registry->resolve(state.turn(), newest), newest));
  }
  for (const RecordId& record : {of_other, offered_to_other, late_offer}) {
    const RecordState state = agreed(record);
    ASSERT_EQ(state.inert.size(), 1u);
    EXPECT_EQ(state.inert.front().reason, InertReason::kClosed) << "stored, shown, and inert";
  }
}

TEST_F(Reorganisation, LateWorkIsBroughtInByAPersonAsIfItHadComeInTime) {
  join();
  work_without_a_line();
  reorganise();
  settle_all();
  const auto machines = store::machines(west.province->replica(), east.other_id, false);
  ASSERT_EQ(machines.size(), 1u);
  EXPECT_EQ(machines.front().trust, store::MachineTrust::kClosed);
  store::RevocationRequest request;
  request.node = machines.front().node;
  const auto move = store::plan_closing(west.province->replica(), request, west.province->now);
  ASSERT_TRUE(move.ok()) << move.error().message();
  EXPECT_EQ(risen(*move), 3u);
  west.province->commit([&](Transaction& transaction) {
    const auto said = store::carry_out(transaction, *move);
    ASSERT_TRUE(said.ok()) << said.error().message();
  });
  settle_all();
  expect_sound();
  EXPECT_EQ(agreed(offered_to_other).holder, east.other_id) << "it had accepted before the day";
  EXPECT_EQ(agreed(late_offer).offered, east.district_id);
  auto done = operate(*east.commune, Accept{.record = "E-6"});
  ASSERT_TRUE(done.ok()) << done.error().message();
  done = operate(*east.commune, set_unit("E-4"));
  ASSERT_TRUE(done.ok()) << done.error().message();
  settle_all();
  expect_sound();
  for (const RecordId& record : {offered_to_other, late_offer})
    EXPECT_EQ(agreed(record).holder, east.commune_id);
}

TEST_F(Reorganisation, OldCodesAreFoundForEver) {
  join();
  reorganise();
  const auto registry = west.commune->replica().registry();
  const auto now = registry->agency_named("H47.30001");
  ASSERT_TRUE(now.ok()) << now.error().message();
  EXPECT_EQ((*now)->id, east.commune_id);
  // Both sides had an office of that code: the western one bears it still, the eastern one did.
  const auto former = store::former_bearers(*registry, "H47.518.20374");
  ASSERT_EQ(former.size(), 1u);
  EXPECT_EQ(former.front(), east.commune_id);
  EXPECT_EQ((*registry->agency_named("H47.518.20374"))->id, west.commune_id);
  EXPECT_EQ(store::former_bearers(*registry, "H47.518").front(), east.district_id);
  EXPECT_EQ(west.province->replica().find_code("E-5").size(), 1u);
}

TEST_F(Reorganisation, MistakesAreRefusedBeforeTheRootSignsThem) {
  join();
  const auto registry = west.province->replica().registry();
  const auto code = [&](std::vector<AgencyChange> changes) {
    const auto out = store::outlook(*registry, std::move(changes), "", 1);
    return out.ok() ? Errc::kClosed : out.error().code();
  };
  const AgencyId nobody = id_cast<AgencyId>(west.deployment.root());
  EXPECT_EQ(code({}), Errc::kInvalidArgument);
  EXPECT_EQ(code({{nobody, Dissolve{}}}), Errc::kUnknownAgency);
  EXPECT_EQ(code({{east.commune_id, Rename{}}}), Errc::kInvalidArgument);
  EXPECT_EQ(code({{east.commune_id, Rename{"H47..1", ""}}}), Errc::kInvalidArgument);
  EXPECT_EQ(code({{east.commune_id, Rename{"H47.518.20395", ""}}}), Errc::kConflict);
  EXPECT_EQ(code({{west.province_id, Reparent{west.commune_id}}}), Errc::kInvalidArgument);
  EXPECT_EQ(code({{east.commune_id, Dissolve{{east.commune_id}}}}), Errc::kInvalidArgument);
  EXPECT_EQ(code({{east.commune_id, Dissolve{{east.other_id}}}, {east.other_id, Dissolve{}}}),
            Errc::kNotAllowed);
  EXPECT_EQ(code({{east.commune_id, Dissolve{}}, {east.commune_id, Dissolve{}}}),
            Errc::kInvalidArgument);
  EXPECT_EQ(code({{west.other_id, Reparent{east.district_id}}, {east.district_id, Dissolve{}}}),
            Errc::kNotAllowed);
  EXPECT_EQ(code({{west.commune_id, Rename{"H1", ""}}, {west.other_id, Rename{"H1", ""}}}),
            Errc::kConflict);
  reorganise();
  const auto later =
      store::outlook(*west.province->replica().registry(), {{east.district_id, Dissolve{}}}, "", 1);
  EXPECT_EQ(later.error().code(), Errc::kNotAllowed) << "it is dissolved already";
}

TEST_F(Reorganisation, ARootFileSignedWithTheWrongKeyOrTooLateIsNone) {
  join();
  RootFile file;
  const auto registry = west.province->replica().registry();
  file.root = registry->root();
  for (const StatementId& id : registry->statements())
    file.registry.push_back(*registry->find_statement(id));
  file.said = plan("a draft").said;
  EXPECT_EQ(sign_root_file(file, east.deployment.key_in_use()).error().code(), Errc::kNotAllowed);
  EXPECT_TRUE(sign_root_file(file, west.deployment.key_on_paper()).ok()) << "paper may as well";
  reorganise();
  const auto after = west.province->replica().registry();
  file.registry.clear();
  for (const StatementId& id : after->statements())
    file.registry.push_back(*after->find_statement(id));
  EXPECT_EQ(sign_root_file(file, west.deployment.key_in_use()).error().code(), Errc::kConflict);
  const Bytes whole = encode_root_file(file);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{10}, std::size_t{40}, whole.size() / 2, whole.size() - 1})
    EXPECT_FALSE(decode_root_file(ByteView(whole).first(size)).ok()) << size;
}

}  // namespace
}  // namespace lienthong::test
