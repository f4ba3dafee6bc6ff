#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/session/hello.h"
#include "protocol/wire/message.h"
#include "store/exchange/credentials.h"
#include "tests/support/deployment.h"

namespace lienthong::store {
namespace {

using test::TestDeployment;
using test::TestNode;

// A province, a district and its two communes. A reader has gone away early and knows no tree.
struct World {
  TestDeployment deployment{77};
  AgencyId province = deployment.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  TestNode& above = deployment.add_node(province, true);
  AgencyId district = deployment.add_agency(province, "H47.518", "Huyện Phú Ninh", "district");
  TestNode& node = deployment.add_node(district, true);
  AgencyId commune = deployment.add_agency(district, "H47.518.20374", "Xã Tam Dân", "commune");
  std::shared_ptr<const Registry> early = deployment.registry();

  void rename(std::string_view name) {
    deployment.change_tree({{commune, Rename{"H47.518.20374", std::string(name)}}});
  }
  CertificateId renew() {
    Certificate next = deployment.certificate(district, node);
    next.replaces = node.certificate;
    next.tree_version = deployment.registry()->newest();
    return id_cast<CertificateId>(deployment.add(above.say(deployment.root(), next)));
  }
};

TEST(Credentials, HoldAllThatACertificateNames) {
  World world;
  world.rename("Xã Tam Dân mới");
  const AgencyId late =
      world.deployment.add_agency(world.district, "H47.518.20387", "Xã Tam Đại", "commune");
  world.deployment.change_tree({{world.commune, Dissolve{{late}}}});
  const CertificateId renewed = world.renew();

  const auto shown = credentials(*world.deployment.registry(), renewed);
  const Presented taken = present(*world.early, shown);
  ASSERT_TRUE(taken.registry) << taken.rejection.detail;
  EXPECT_EQ(taken.registry->certificate_belief(renewed), Belief::kBelieved);
  EXPECT_EQ(taken.registry->newest(), 2U);

  // Who knows nothing but the root takes them as well.
  const auto stranger =
      Registry::create(world.deployment.root(), world.deployment.statements().front());
  ASSERT_TRUE(stranger.ok());
  EXPECT_TRUE(present(*stranger, shown).registry);
}

TEST(Credentials, LeaveOutTheOldestWhereAMessageHasNoRoomForAll) {
  World world;
  const std::string long_name(900, 'x');
  std::shared_ptr<const Registry> halfway;
  for (int i = 0; i < 400; ++i) {
    world.rename(long_name + std::to_string(i));
    if (i == 300) halfway = world.deployment.registry();
  }
  const CertificateId renewed = world.renew();
  const auto shown = credentials(*world.deployment.registry(), renewed);
  EXPECT_GT(shown.size(), 150U);
  wire::CredentialsMessage message;
  message.statements = shown;
  EXPECT_LE(wire::encode_message(message).size(), kMessageBytesMax);
  const Presented taken = present(*halfway, shown);
  ASSERT_TRUE(taken.registry) << taken.rejection.detail;
  EXPECT_EQ(taken.registry->certificate_belief(renewed), Belief::kBelieved);
}

}  // namespace
}  // namespace lienthong::store
