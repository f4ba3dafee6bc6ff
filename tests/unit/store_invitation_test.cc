#include <gtest/gtest.h>

#include "store/exchange/invitation.h"
#include "tests/support/deployment.h"

namespace lienthong::store {
namespace {

using test::SeededEntropy;

TEST(Invitation, ComesBackAsItWas) {
  SeededEntropy entropy(12);
  Invitation invitation;
  invitation.secret = entropy.array<32>();
  invitation.agency.bytes = entropy.array<32>();
  invitation.may_issue = false;
  invitation.declared = true;
  invitation.expires_at = 77;
  for (const bool used : {false, true}) {
    if (used) {
      invitation.used_by = MachineKeys{NodeId{entropy.array<32>()}, entropy.array<32>()};
    }
    const auto back = decode_invitation(encode_invitation(invitation));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->secret, invitation.secret);
    EXPECT_EQ(back->agency, invitation.agency);
    EXPECT_EQ(back->may_issue, false);
    EXPECT_EQ(back->declared, true);
    EXPECT_EQ(back->expires_at, 77);
    EXPECT_EQ(back->used_by, invitation.used_by);
  }
}

TEST(Invitation, GivesTheRightToInviteToThoseWhoHaveOfficesBelowThem) {
  test::TestDeployment deployment(13);
  const AgencyId province = deployment.add_agency({}, "H47", "Quảng Nam", "province");
  const test::TestNode& node = deployment.add_node(province, true);
  const AgencyId above = deployment.add_agency(province, "H47.12", "Tam Dân", "commune");
  deployment.add_agency(province, "H47.13", "Tam Thái", "commune");
  deployment.add_agency(above, "H47.12.01", "Điểm tiếp nhận", "point");
  Identity us(node.key);
  us.agency = province;
  us.certificate = node.certificate;
  const auto planned = [&](const Naming& naming) {
    const auto plan = plan_invitation(*deployment.registry(), us, naming);
    EXPECT_TRUE(plan.ok()) << plan.error().message();
    return plan.ok() && plan->may_issue;
  };
  EXPECT_TRUE(planned({"H47.12", "Tam Dân", "commune"}));
  EXPECT_FALSE(planned({"H47.13", "Tam Thái", "commune"}));
  EXPECT_FALSE(planned({"H47.12.01", "Điểm tiếp nhận", "point"}));
  EXPECT_TRUE(planned({"H47.14", "Phú Ninh", "district"}));
  EXPECT_FALSE(planned({"H47.15", "Tam Lãnh", "commune"}));
}

}  // namespace
}  // namespace lienthong::store
