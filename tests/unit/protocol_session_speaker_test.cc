// Who somebody is on a session: the certificate that his hello names, for the key that he proved.
#include <gtest/gtest.h>

#include "protocol/session/hello.h"
#include "tests/support/session_world.h"

namespace lienthong::test {
namespace {

// A district that may issue, beside the one of the sessions, and what it certifies.
struct Thieves : World {
  AgencyId elsewhere = deployment.add_agency({}, "A", "Huyện khác", "district");
  TestNode& issuer = deployment.add_node(elsewhere, true);
  AgencyId made_up = deployment.add_agency(elsewhere, "A.1", "Không ai", "commune");

  // A certificate of the issuer's for a node key of its own and the victim's X25519 key.
  TestNode certify_key_of(const TestNode& victim) {
    TestNode thief = deployment.make_node(made_up);
    thief.dh_key = victim.dh_key;  // only its public half goes into the certificate
    const Certificate body = deployment.certificate(made_up, thief);
    thief.certificate = id_cast<CertificateId>(deployment.add(issuer.say(deployment.root(), body)));
    LT_CHECK(deployment.registry()->certificate_belief(thief.certificate) == Belief::kBelieved);
    share();
    return thief;
  }
  void share() {
    leaf_replica.set_registry(deployment.registry());
    hub_replica.set_registry(deployment.registry());
  }
};

TEST(SessionSpeaker, IsTheOwnerOfAKeyThatOthersHaveCertifiedForThemselves) {
  for (const bool knows_key : {true, false}) {
    Thieves world;
    for (int i = 0; i < 5; ++i) {
      world.certify_key_of(world.leaf);
      world.certify_key_of(world.hub);
    }
    End a(world.leaf_replica, world.dialling(knows_key), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    ASSERT_TRUE(a.established && b.established) << static_cast<int>(code(a));
    EXPECT_EQ(a.established->certificate, world.hub.certificate);
    EXPECT_EQ(b.established->certificate, world.leaf.certificate);
    EXPECT_EQ(b.established->node, world.leaf.id());
    EXPECT_EQ(b.established->agency, world.commune);
  }
}

TEST(SessionSpeaker, IsNobodyUnderACertificateOfAnothersKey) {
  for (const bool knows_key : {true, false}) {
    Thieves world;
    const TestNode thief = world.certify_key_of(world.leaf);
    const DhKey own(world.deployment.entropy().array<32>());
    for (const CertificateId& named : {thief.certificate, world.leaf.certificate}) {
      SessionConfig config = world.dialling(knows_key);
      config.dh_key = own;  // the only one that he has
      config.certificate = named;
      config.credentials = world.deployment.statements();
      End a(world.leaf_replica, std::move(config), world.now);
      End b(world.hub_replica, world.answering(), world.now);
      run(a, b, world.now);
      EXPECT_EQ(code(b), CloseCode::kNoCertificate);
      EXPECT_FALSE(b.established);
    }
  }
}

// A stranger's certificate that is here already does not stand in for one that is not.
TEST(SessionSpeaker, IsAskedForItsCertificateWhereOnlyAnothersBearsItsKey) {
  Thieves world;
  TestNode late = world.deployment.make_node(world.commune);
  world.certify_key_of(late);
  FakeReplica hub_replica(world.deployment.registry(), 33);  // before it is certified
  const Certificate body = world.deployment.certificate(world.commune, late);
  late.certificate =
      id_cast<CertificateId>(world.deployment.add(world.hub.say(world.deployment.root(), body)));
  world.share();
  SessionConfig config = world.config(late);
  config.initiator = true;
  config.session_number = 1;
  config.expected_agency = world.district;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  ASSERT_TRUE(b.established) << static_cast<int>(code(b));
  EXPECT_EQ(b.established->certificate, late.certificate);
  EXPECT_EQ(b.established->presented.size(), 1U);
}

TEST(SessionSpeaker, MayHaveChangedItsKeyAloneAndNotSpeakUnderTheOneBefore) {
  for (const bool old_one : {false, true}) {
    World world;
    const TestNode before = world.leaf;
    world.leaf.dh_key = DhKey(world.deployment.entropy().array<32>());
    Certificate body = world.deployment.certificate(world.commune, world.leaf);
    body.replaces = before.certificate;
    world.leaf.certificate =
        id_cast<CertificateId>(world.deployment.add(world.hub.say(world.deployment.root(), body)));
    world.leaf_replica.set_registry(world.deployment.registry());
    world.hub_replica.set_registry(world.deployment.registry());
    SessionConfig config = world.dialling();
    if (old_one) {  // whoever has the key of before, which may be why it was changed
      config.dh_key = before.dh_key;
      config.certificate = before.certificate;
    }
    End a(world.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_EQ(b.established.has_value(), !old_one);
    if (old_one) continue;
    ASSERT_TRUE(a.established && b.established);
    EXPECT_EQ(b.established->node, before.id());
    EXPECT_EQ(b.established->certificate, world.leaf.certificate);
  }
}

TEST(SessionSpeaker, OfAnotherMachineOfTheAgencyIsNotGivenWhatWasForTheOneDialled) {
  World world;
  TestNode& second = world.deployment.add_node(world.district, true);
  world.leaf_replica.set_registry(world.deployment.registry());
  world.hub_replica.set_registry(world.deployment.registry());
  SessionConfig dialling = world.dialling();
  // Both machines were set up with one X25519 key; the first is dialled, the second answers.
  TestNode twin = second;
  twin.dh_key = world.hub.dh_key;
  const Certificate body = world.deployment.certificate(world.district, twin);
  twin.certificate = id_cast<CertificateId>(world.deployment.add(world.deployment.by_root(body)));
  world.leaf_replica.set_registry(world.deployment.registry());
  SessionConfig answering = world.answering();
  answering.node = twin.id();
  answering.certificate = twin.certificate;
  End a(world.leaf_replica, std::move(dialling), world.now);
  End b(world.hub_replica, std::move(answering), world.now);
  run(a, b, world.now);
  EXPECT_EQ(code(a), CloseCode::kWrongAgency);
  EXPECT_FALSE(a.established);
}

TEST(SessionSpeaker, IsNamedAnewInEverySession) {
  World world;
  const CertificateId& certificate = world.leaf.certificate;
  std::set<std::uint32_t> names;
  for (int i = 0; i < 64; ++i)
    names.insert(speaker_name(world.deployment.root(), world.fresh().public_key(), certificate));
  EXPECT_GE(names.size(), 63U) << "so that no other certificate can be made to be named alike";
}

}  // namespace
}  // namespace lienthong::test
