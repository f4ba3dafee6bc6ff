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

}  // namespace
}  // namespace lienthong::store
