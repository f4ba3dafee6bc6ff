// What this program does with what a later one adds to format 1. docs/protocol/versions.md.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/bundle/record.h"
#include "protocol/record/codec.h"
#include "protocol/record/fold.h"
#include "protocol/session/hello.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"
#include "tests/unit/golden_world.h"

namespace lienthong::golden {
namespace {

// Words of data of the structures in lienthong.capnp.
constexpr std::size_t kOpenWords = 3, kStatementWords = 1;

const World& world() {
  static const World kWorld;
  return kWorld;
}

std::uint64_t word_at(const Bytes& bytes, std::size_t word) {
  ByteReader in(ByteView(bytes).subspan(8 * word));
  return in.u64().value();
}

void set_word(Bytes& bytes, std::size_t word, std::uint64_t value) {
  ByteWriter out;
  out.u64(value);
  std::ranges::copy(out.bytes(), bytes.begin() + static_cast<long>(8 * word));
}

// A canonical message, with one more word of data in its structure than the schema has now: a
// field of a later one. Words that follow move together, so the distances that pointers say stay.
Bytes with_a_later_field(Bytes message, std::size_t words_now, std::uint64_t value) {
  const std::uint64_t root = word_at(message, 0);
  const std::size_t words = (root >> 32) & 0xffff;  // zero words at the end are left out
  const std::size_t more = words_now + 1 - words;
  set_word(message, 0, root + (std::uint64_t{more} << 32));
  message.insert(message.begin() + static_cast<long>(8 * (1 + words)), 8 * more, 0);
  set_word(message, 1 + words_now, value);
  return message;
}

TEST(FormatGrowth, AFieldOfALaterSchemaIsKeptAndMeansNothing) {
  Update update = world().updates.at(3).update;
  const auto before = check_form(update);
  ASSERT_TRUE(before.ok());
  const UpdateId id = update_id(world().root(), update);
  update.open = with_a_later_field(update.open, kOpenWords, 7);
  const auto after = check_form(update);
  ASSERT_TRUE(after.ok()) << after.error().message();
  EXPECT_EQ(*after, *before);
  const UpdateId later = update_id(world().root(), update);
  EXPECT_NE(later, id);  // what is named and signed are the bytes, not what is understood of them
  const Hash256 leaf = id_cast<Hash256>(later);
  FeedPart part;
  part.units.push_back({make_seal(world().root(), world().c->key, world().c->certificate, 5, 1, {},
                                  std::span(&leaf, 1)),
                        {{0, update}},
                        {}});
  const auto read =
      wire::decode_part_body(world().root(), wire::encode_part_body(world().root(), part));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, part);
}

// The first programs of format 1 do not look at it, so it must not make ours refuse.
TEST(FormatGrowth, AnOfficialCodeThatCannotBeReadIsAsIfItWereNotThere) {
  OpenBody open;
  open.official_code = "H17-x";
  Update update = world().updates.at(3).update;
  update.open = wire::encode(open);
  ASSERT_TRUE(check_form(update).ok());
  EXPECT_EQ(check_form(update)->official_code, "H17-x");
  const std::string_view code = "H17-x";
  const auto at = std::search(update.open.begin(), update.open.end(), code.begin(), code.end());
  ASSERT_NE(at, update.open.end());
  *at = 0xff;  // no UTF-8
  const auto read = check_form(update);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->official_code, "");
}

TEST(FormatGrowth, AStatementWithAFieldOfALaterSchemaIsReadAndItsBytesAreWhatIsSigned) {
  const Statement& known = world().deployment.statements().at(2);
  const auto body = wire::decode_statement(known.body);
  ASSERT_TRUE(body.ok());
  const Bytes bytes = with_a_later_field(known.body, kStatementWords, 7);
  const auto read = wire::decode_statement(bytes);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(*read, *body);
  EXPECT_NE(statement_hash(world().root(), bytes), statement_hash(world().root(), known.body));
}

// So it can come only with a new major version: a program that refuses it comes to other verdicts.
TEST(FormatGrowth, AKindOfStatementThatIsNotKnownIsRefused) {
  Bytes body = world().deployment.statements().back().body;
  const std::uint64_t data = word_at(body, 1);
  const std::uint64_t kind = data & 0xffff;
  ASSERT_EQ(kind, wire::decode_statement(body).value().index());
  set_word(body, 1, data - kind + 99);
  const auto read = wire::decode_statement(body);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), Errc::kMalformed);
  const Statement statement = world().deployment.by_root(Genesis{});
  EXPECT_EQ(world().deployment.registry()->check({body, statement.authority}).error().code(),
            Errc::kMalformed);
}

TEST(FormatGrowth, AnUpdateKindThatIsNotKnownWaitsForItsRulesAndIsRefusedUnderOurs) {
  OpenBody open;
  open.kind = static_cast<UpdateKind>(999);
  Update update = world().updates.at(3).update;
  update.open = wire::encode(open);
  EXPECT_EQ(check_form(update).error().code(), Errc::kMalformed);
  update.envelope.rules_version = kRulesVersion + 1;
  EXPECT_TRUE(check_form(update).ok());
}

TEST(FormatGrowth, AFieldNumberThatIsNotKnownIsARegisterLikeAnyOther) {
  OpenBody open;
  open.kind = UpdateKind::kCreated;
  open.writes = {{0x3fff, std::string("of a later version")}};
  ASSERT_EQ(find_field(0x3fff), nullptr);
  Update update;
  update.envelope.certificate = world().c->certificate;
  update.envelope.hlc = Hlc::at(1'680'481'800'000);
  update.open = wire::encode(open);
  ASSERT_TRUE(check_form(update).ok());
  GraphUpdate graph;
  graph.id = update_id(world().root(), update);
  graph.envelope = update.envelope;
  graph.open = open;
  graph.agency = world().commune;
  graph.node = world().c->id();
  const RecordState state = fold(std::span(&graph, 1), *world().deployment.registry());
  ASSERT_TRUE(state.open_fields.contains(0x3fff));
  EXPECT_EQ(state.open_fields.at(0x3fff).value, FieldValue(std::string("of a later version")));
  EXPECT_EQ(decode_state(encode_state(state)).value(), state);
}

TEST(FormatGrowth, AHelloOfALaterVersionIsReadAsFarAsItIsKnown) {
  Hello hello;
  hello.session_number = 7;
  hello.features = 1ULL << 40 | 7;
  hello.dictionary = 99;
  hello.program_version = "9.0";
  Bytes bytes = encode_hello(hello);
  const Bytes more{1, 2, 3};
  bytes.insert(bytes.end(), more.begin(), more.end());
  const auto read = decode_hello(bytes);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(*read, hello);
}

TEST(FormatGrowth, ACloseCodeThatIsNotKnownIsPassedThrough) {
  const wire::CloseMessage close{200, "of a later version"};
  EXPECT_EQ(wire::decode_message(wire::encode_message(close)).value(), wire::Message(close));
}

TEST(FormatGrowth, ARecordOfABundleThatIsNotKnownIsPassedOver) {
  Bytes record = encode_bundle_record(BundleEnd{2});
  record[0] = 200;
  const auto read = decode_bundle_record(record);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->has_value());
}

}  // namespace
}  // namespace lienthong::golden
