// The steps of an adoption, from file to file.
#include <gtest/gtest.h>

#include "agent/config/adoption.h"
#include "agent/config/root_signing.h"
#include "protocol/base/text_fields.h"
#include "protocol/crypto/secret_file.h"
#include "protocol/record/codec.h"
#include "store/trust/tree.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

using test::TestDeployment;

constexpr std::string_view kPassphrase = "mật khẩu";
constexpr UnixMillis kNow = 1'751'328'000'000;  // 2025-07-01

class AdoptionSteps : public ::testing::Test {
 protected:
  AdoptionSteps() {
    for (TestDeployment* side : {&west, &east}) {
      const AgencyId top = side->add_agency({}, side == &west ? "H47" : "H49", "Tỉnh", "province");
      side->add_node(top, true);
      side->add_agency(top, side == &west ? "H47.1" : "H49.1", "Xã", "commune");
      tops.push_back(top);
    }
  }
  static std::string registry_of(const TestDeployment& side) {
    return std::string(as_text(encode_adoption_file({side.root(), side.statements(), {}, {}, {}})));
  }
  std::string key_file() {
    return seal_secret(west.key_in_use().seed(), kPassphrase, west.entropy().array<16>(),
                       west.entropy().array<24>(), {1, 8192});
  }
  std::string paper() {
    return TextFieldsWriter("root-paper")
        .field("seed", ByteView(east.key_on_paper().seed()))
        .text();
  }
  Result<AdoptionPlan> at_west(const std::string& file, std::string_view under = "H47") {
    return plan_adoption(file, registry_of(west), under, "202/2025/QH15", kNow);
  }
  Result<AdoptionPlan> at_east(const std::string& file) {
    return plan_adoption(file, registry_of(east), "", "", kNow);
  }
  std::string signed_by_west() {
    const auto plan = at_west(registry_of(east));
    EXPECT_TRUE(plan.ok());
    EXPECT_EQ(plan->step, AdoptionStep::kSign);
    const auto file = sign_as_adopter(*plan, key_file(), kPassphrase);
    EXPECT_TRUE(file.ok());
    return *file;
  }
  static void take_in(TestDeployment& side, const AdoptionPlan& plan) {
    for (const std::string& piece : pieces_for_agent(plan, 300)) {
      const auto file = decode_adoption_file(as_bytes(piece));
      ASSERT_TRUE(file.ok());
      side.add(make_adoption(*file->adoption, *file->adopter, *file->adopted));
      for (const Statement& statement : file->statements) side.add(statement);
    }
  }

  TestDeployment west{1}, east{2};
  std::vector<AgencyId> tops;
};

TEST_F(AdoptionSteps, LeadFromTheOfferToOneTreeAtBoth) {
  const std::string first = signed_by_west();
  auto second = at_east(first);
  ASSERT_TRUE(second.ok()) << second.error().message();
  EXPECT_EQ(second->step, AdoptionStep::kCountersign);
  EXPECT_EQ(second->topmost, "H49 Tỉnh");
  EXPECT_EQ(second->agencies, 2u);
  EXPECT_EQ(second->place_code, "H47");
  const auto both = sign_as_adopted(*second, paper());
  ASSERT_TRUE(both.ok());
  const auto third = at_west(*both);
  ASSERT_TRUE(third.ok()) << third.error().message();
  EXPECT_EQ(third->step, AdoptionStep::kTakeIn);
  EXPECT_GT(pieces_for_agent(*third, 300).size(), 1u);
  take_in(east, *second);
  take_in(west, *third);
  EXPECT_EQ(west.registry()->digest(), east.registry()->digest());
  for (const TestDeployment* side : {&west, &east}) {
    EXPECT_EQ(side->registry()->parent(tops[1], 1), tops[0]);
    EXPECT_EQ(side->registry()->writing_root(), west.root());
  }
}

TEST_F(AdoptionSteps, AreRefusedWhereTheRegistriesAreNotWhatWasSigned) {
  const std::string file = signed_by_west();
  TestDeployment before = east;
  east.change_tree({});
  EXPECT_EQ(at_east(file).error().code(), Errc::kConflict);
  east = before;
  east.add(east.by_root(east.declaration({}, "H50")));
  EXPECT_EQ(at_east(file).error().code(), Errc::kConflict);
  east = before;
  EXPECT_TRUE(at_east(file).ok());
}

TEST_F(AdoptionSteps, SayWhatIsMissing) {
  EXPECT_EQ(at_west(registry_of(east), "").error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(at_west(registry_of(east), "H99").error().code(), Errc::kUnknownAgency);
  EXPECT_EQ(at_west(registry_of(west)).error().code(), Errc::kConflict);
  EXPECT_EQ(at_west("not a file").error().code(), Errc::kMalformed);
  const auto plan = at_west(registry_of(east));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(sign_as_adopter(*plan, key_file(), "another").error().code(), Errc::kBadSignature);
  auto second = at_east(signed_by_west());
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(sign_as_adopted(*second, "lienthong paper 1").ok());
}

TEST_F(AdoptionSteps, AFileForTheRootKeySaysInWordsWhatItDoes) {
  const AgencyId commune = (*west.registry()->agency_named("H47.1"))->id;
  const AgencyId heir = west.add_agency(tops[0], "H47.2", "Xã Hai", "commune");
  const auto then =
      store::outlook(*west.registry(), {{commune, Dissolve{{heir}}}, {heir, Rename{"", "Xã Mới"}}},
                     "1659/NQ", kNow);
  ASSERT_TRUE(then.ok()) << then.error().message();
  const auto file =
      make_root_file(registry_of(west), {to_hex(wire::encode(StatementBody(then->change)))});
  ASSERT_TRUE(file.ok()) << file.error().message();
  const auto plan = plan_root_file(*file);
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  EXPECT_EQ(plan->root, west.root().hex());
  ASSERT_EQ(plan->words.size(), 4u);
  EXPECT_EQ(plan->words[0].what, RootWord::What::kVersion);
  EXPECT_EQ(plan->words[1].values, (std::vector<std::string>{"H47.2 Xã Hai", "H47.2 Xã Mới"}));
  EXPECT_EQ(plan->words[2].what, RootWord::What::kSucceeded);
  EXPECT_EQ(plan->words[2].values, (std::vector<std::string>{"H47.1 Xã", "H47.2 Xã Hai"}));
  EXPECT_EQ(plan->words[3].what, RootWord::What::kClosed);
  EXPECT_FALSE(sign_by_root_key(*plan, key_file(), "sai").ok());
  EXPECT_EQ(sign_by_root_paper(*plan, paper()).error().code(), Errc::kNotAllowed)
      << "of another root";
  const auto made = sign_by_root_key(*plan, key_file(), kPassphrase);
  ASSERT_TRUE(made.ok()) << made.error().message();
  const auto back = decode_root_file(as_bytes(*made));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->registry.empty());
  for (const Statement& statement : statements_in(*back)) west.add(statement);
  EXPECT_TRUE(west.registry()->dissolved(commune, 1));
  EXPECT_EQ(plan_root_file(*file)->words.size(), 4u) << "its own registry has not changed";
  EXPECT_FALSE(make_root_file(registry_of(west), {"zz"}).ok());
}

TEST_F(AdoptionSteps, TheKeyOnPaperGivesThePlaceOfALostKeyToANewOne) {
  const std::string registry = registry_of(east), on_paper = paper();
  RootRenewal renewal{registry, on_paper, "khóa mới"};
  renewal.now = kNow;
  renewal.cost = {1, 8192};
  const auto made = renew_root_key(renewal, east.entropy());
  ASSERT_TRUE(made.ok()) << made.error().message();
  const auto seed = open_secret(made->key, "khóa mới");
  ASSERT_TRUE(seed.ok());
  EXPECT_EQ(SigningKey(*seed).public_key().hex(), made->public_key);
  // What the key before has said meanwhile falls.
  east.change_tree({{tops[1], Rename{"H49", "Tỉnh Khác"}}});
  for (const Statement& statement : statements_in(*decode_root_file(as_bytes(made->file))))
    east.add(statement);
  EXPECT_EQ(east.registry()->tree_head().number, made->version);
  EXPECT_EQ(east.registry()->find_agency(tops[1])->name, "Tỉnh");
  const std::string stolen = registry_of(east);
  RootRenewal later = renewal;
  later.registry = stolen;
  later.after = 7;
  EXPECT_EQ(renew_root_key(later, east.entropy()).error().code(), Errc::kInvalidArgument);
  const std::string foreign = registry_of(west);
  later.after.reset();
  later.registry = foreign;
  EXPECT_EQ(renew_root_key(later, east.entropy()).error().code(), Errc::kNotAllowed);
  later.registry = stolen;
  later.passphrase = "";
  EXPECT_EQ(renew_root_key(later, east.entropy()).error().code(), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace lienthong::agent
