// Form of updates, and the salts of closed parts. docs/protocol/updates.md.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "protocol/record/update.h"

namespace lienthong {
namespace {

Update first_update(const std::function<void(OpenBody&)>& change = {}) {
  OpenBody open;
  open.kind = UpdateKind::kCreated;
  if (change) change(open);
  Update update;
  update.envelope.hlc = Hlc::at(1'680'307'200'000);
  update.open = wire::encode(open);
  return update;
}

Errc refused(const Update& update) {
  const auto form = check_form(update);
  return form.ok() ? Errc{} : form.error().code();
}

TEST(UpdateForm, RefusesTimesOutsideTheYears1900To2199) {
  EXPECT_TRUE(check_form(first_update()).ok());
  const auto with = [](Field field, UnixMillis time) {
    return first_update([&](OpenBody& open) {
      open.writes = {{static_cast<std::uint16_t>(field), time}};
    });
  };
  for (const UnixMillis good : {kTimeMin, UnixMillis{0}, kTimeEnd - 1}) {
    EXPECT_TRUE(check_form(with(Field::kDueAt, good)).ok());
    EXPECT_TRUE(check_form(first_update([&](OpenBody& open) { open.at = good; })).ok());
    EXPECT_TRUE(check_form(first_update([&](OpenBody& open) { open.deadline = good; })).ok());
  }
  for (const UnixMillis bad : {kTimeMin - 1, kTimeEnd, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(refused(first_update([&](OpenBody& open) { open.at = bad; })), Errc::kMalformed);
    EXPECT_EQ(refused(first_update([&](OpenBody& open) { open.deadline = bad; })),
              Errc::kMalformed);
    for (const FieldInfo& info : all_fields()) {
      if (info.part != Part::kOpen) continue;
      const bool is_instant = info.type == FieldType::kInstant;
      EXPECT_EQ(check_form(with(info.field, bad)).ok(), !is_instant) << info.json;
    }
  }
  Update late = first_update();
  late.envelope.hlc = Hlc::at(kTimeEnd - 1, 0xffff);
  EXPECT_TRUE(check_form(late).ok());
  late.envelope.hlc.value += 1;
  EXPECT_EQ(refused(late), Errc::kMalformed);
  late.envelope.rules_version = kRulesVersion + 1;
  EXPECT_EQ(refused(late), Errc::kMalformed) << "a clock is judged in every rules version";
  Update later = first_update([](OpenBody& open) { open.at = INT64_MAX; });
  later.envelope.rules_version = kRulesVersion + 1;
  EXPECT_TRUE(check_form(later).ok()) << "its rules may say otherwise";
}

TEST(StatementForm, RefusesTimesOutsideTheYears1900To2199) {
  NodeId node;
  node.bytes.fill(7);
  const auto reads = [](const StatementBody& body) {
    return wire::decode_statement(wire::encode(body)).ok();
  };
  for (const UnixMillis time : {kTimeMin, kTimeEnd - 1, kTimeMin - 1, kTimeEnd, INT64_MAX}) {
    Revocation revocation;
    revocation.node = node;
    revocation.decided_at = time;
    EXPECT_EQ(reads(StatementBody(revocation)), is_time(time));
    AgencyDeclaration agency;
    agency.code = agency.name = agency.tier = "x";
    agency.nonce = Bytes(16, 1);
    agency.declared_at = time;
    EXPECT_EQ(reads(StatementBody(agency)), is_time(time));
    Genesis genesis;
    genesis.key_in_use = node;
    genesis.key_on_paper.bytes.fill(8);
    genesis.nonce = Bytes(16, 1);
    genesis.created_at = time;
    EXPECT_EQ(reads(StatementBody(genesis)), is_time(time));
    for (const bool renewal : {false, true}) {
      Certificate certificate;
      certificate.agency.bytes.fill(5);
      certificate.node = node;
      certificate.dh_key.fill(6);
      (renewal ? certificate.renew_by : certificate.issued_at) = time;
      EXPECT_EQ(reads(StatementBody(certificate)), is_time(time));
    }
    TreeChange change;
    change.number = 1;
    change.previous.bytes.fill(4);
    change.decided_at = time;
    EXPECT_EQ(reads(StatementBody(change)), is_time(time));
  }
}

TEST(UpdateForm, TakesAnActionThatIsACode) {
  const auto with = [](const std::string& action) {
    return check_form(first_update([&](OpenBody& open) { open.action = action; })).ok();
  };
  for (const char* good : {"", "forward", "a-1", "2"}) EXPECT_TRUE(with(good)) << good;
  for (const char* bad : {"Forward", "thẩm định", "a b", "a_b"}) EXPECT_FALSE(with(bad)) << bad;
  EXPECT_TRUE(with(std::string(kActionBytesMax, 'a')));
  EXPECT_FALSE(with(std::string(kActionBytesMax + 1, 'a')));
}

TEST(Hlc, StaysAtTheLastMomentThatIsATime) {
  const Hlc last = Hlc::at(kTimeEnd - 1, 0xffff);
  EXPECT_EQ(Hlc::next(0, last), last);
  EXPECT_EQ(Hlc::next(0, Hlc{UINT64_MAX}), last);
  EXPECT_EQ(Hlc::next(0, Hlc{last.value - 1}), last);
}

TEST(ClosedPartSalt, IsAnotherForEachEnvelopeSecretAndDeployment) {
  RootFingerprint root, other_root;
  root.bytes[0] = 1;
  other_root.bytes[0] = 2;
  RecordSecret secret{}, other_secret{};
  other_secret[15] = 1;
  Envelope envelope, other;
  other.hlc.value = 1;
  const Bytes one = encode_envelope(envelope), two = encode_envelope(other);
  const std::set<Salt> salts = {
      closed_part_salt(root, secret, one), closed_part_salt(root, secret, two),
      closed_part_salt(root, other_secret, one), closed_part_salt(other_root, secret, one)};
  EXPECT_EQ(salts.size(), 4U);
  EXPECT_EQ(closed_part_hash(root, secret, one, two),
            closed_part_hash(root, closed_part_salt(root, secret, one), one, two));
}

}  // namespace
}  // namespace lienthong
