#include "agent/config/config.h"
#include "protocol/base/csv.h"
#include "protocol/base/limits.h"
#include "protocol/bundle/record.h"
#include "protocol/crypto/hash.h"
#include "protocol/crypto/secret_file.h"
#include "protocol/enrolment/token.h"
#include "protocol/evidence/evidence.h"
#include "protocol/record/codec.h"
#include "protocol/record/fold.h"
#include "protocol/record/seal.h"
#include "protocol/sync/healing_wire.h"
#include "protocol/wire/columns_coder.h"
#include "protocol/wire/compress.h"
#include "protocol/wire/dictionary.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/support/deployment.h"

namespace lienthong::fuzz {
namespace {

// `decode` and `encode` are each other's inverse on what decodes.
template <class Decode, class Encode>
void check_round_trip(ByteView input, const Decode& decode, const Encode& encode) {
  const auto value = decode(input);
  if (!value.ok()) return;
  const Bytes bytes = encode(*value);
  const auto again = decode(ByteView(bytes));
  LT_CHECK(again.ok() && encode(*again) == bytes);
}

// What decodes has one spelling.
template <class Decode, class Encode>
void check_spelling(ByteView input, const Decode& decode, const Encode& encode) {
  const auto value = decode(input);
  if (value.ok()) LT_CHECK(std::ranges::equal(encode(*value), input));
}

// Bodies bear fields of later versions that are passed over, and structs that later ones left
// short, which get longer: the values must be the same.
template <class Decode, class Encode>
void check_values(ByteView input, const Decode& decode, const Encode& encode) {
  const auto value = decode(input);
  if (!value.ok()) return;
  const Bytes bytes = encode(*value);
  if (bytes.size() > kClosedBytesMax) return;
  const auto again = decode(ByteView(bytes));
  LT_CHECK(again.ok() && *again == *value);
}

Seed seed_of(std::uint8_t byte) {
  Seed seed;
  seed.fill(byte);
  return seed;
}

const RootFingerprint kRoot = RootFingerprint::from(Bytes(32, 7));
const AgencyId kTarget = AgencyId::from(Bytes(32, 8)), kAgency = AgencyId::from(Bytes(32, 9));
const NodeId kReader = NodeId::from(Bytes(32, 11));

struct Keys {
  SigningKey exporter{seed_of(1)};
  DhKey reader{seed_of(13)};
};
const Keys& keys() {
  static const Keys made;
  return made;
}

BundleHeader bundle_header() {
  return {kRoot,
          kTarget,
          kAgency,
          keys().exporter.public_key(),
          CertificateId::from(Bytes(32, 10)),
          1'680'307'200'000};
}
std::vector<BundleRecord> bundle_records() {
  return {BundlePart{FeedKind::kRegistry, {5, {{1, 3, 99}}, Bytes(100, 1)}},
          BundleReceipt{FeedKind::kUpdates, NodeId::from(Bytes(32, 4)),
                        Cursor{{6, 7, 8}, {{9, 10, 11}}}},
          BundlePart{FeedKind::kUpdates, {6, {{1, 2, 3}, {5, 9, 4}}, Bytes(300, 2)}}, BundleEnd{2}};
}

void read_file(ByteView file, std::size_t step) {
  BundleReader reader(kRoot, kTarget, kReader, keys().reader);
  for (std::size_t at = 0; at < file.size(); at += step) {
    ByteView bytes = file.subspan(at, std::min(step, file.size() - at));
    for (;; bytes = {}) {
      const auto record = reader.next(bytes);
      if (!record.ok()) return;
      if (!*record) break;
    }
  }
  static_cast<void>(reader.complete());
}

std::string_view text_of(ByteView bytes) { return as_text(bytes); }

}  // namespace

void decode_record(ByteView input) {
  if (input.empty()) return;
  const ByteView body = input.subspan(1);
  const auto encode = [](const auto& value) { return wire::encode(value); };
  switch (input[0] % 10) {
    case 0: return check_spelling(body, lienthong::decode_envelope, encode_envelope);
    case 1: return check_values(body, wire::decode_open, encode);
    case 2: return check_values(body, wire::decode_closed, encode);
    case 3: return check_values(body, wire::decode_statement, encode);
    case 4: return check_spelling(body, lienthong::decode_statement, encode_statement);
    case 5: return check_spelling(body, lienthong::decode_seal, encode_seal);
    case 6: return check_round_trip(body, lienthong::decode_state, encode_state);
    case 7: return check_values(body, wire::decode_components, encode);
    case 8: return check_values(body, wire::decode_fees, encode);
    default:
      return check_round_trip(body, SealEvidence::decode,
                              [](const SealEvidence& evidence) { return evidence.encode(); });
  }
}

std::vector<ShortId> short_ids(std::uint64_t count) {
  std::vector<ShortId> out;
  for (ShortId id = 1; id <= count; ++id) out.push_back((id * 0x9e3779b97f4a7c15ULL) >> 24);
  return out;
}

void decode_symbols(ByteView input) {
  ByteReader in(input);
  const auto count = in.u8();
  const auto size = in.varint();
  if (!count || !size) return;
  const SymbolKey key(kRoot, 1, 2, *size);
  const ByteView coded = in.rest();
  const auto symbols = lienthong::decode_symbols(in, *count, key.id_bytes());
  if (!symbols.ok()) return;
  ByteWriter out;
  encode_symbols(out, *symbols, key.id_bytes());
  LT_CHECK(std::ranges::equal(out.bytes(), coded.first(coded.size() - in.rest().size())));
  Sketch ours(key, symbols->size());
  ours.add(short_ids(20));
  auto difference = subtract(*symbols, ours.symbols());
  static_cast<void>(symbols_for(estimate_difference(difference, 3)));
  const auto peeled = peel(key, std::move(difference));
  if (peeled) LT_CHECK(peeled->ours.size() + peeled->theirs.size() <= symbols->size());
}

void decode_heal_body(ByteView input) {
  check_spelling(input, heal::decode_body, heal::encode_body);
}

// u8: how many numbers; then coded ones, of which every third is written as it is (its lowest 7
// bits) and every fifth is a bit.
void decode_numbers(ByteView input) {
  if (input.empty()) return;
  const auto each = [count = input[0]](auto& io, std::vector<std::uint64_t>& numbers, auto move) {
    wire::NumberModel model;
    wire::BitModel bit;
    for (std::size_t i = 0; i < count; ++i) move(io, model, bit, i, numbers[i]);
  };
  std::vector<std::uint64_t> numbers(input[0]);
  wire::RangeDecoder in(input.subspan(1));
  each(in, numbers, [](auto& io, auto& model, auto& bit, std::size_t i, std::uint64_t& number) {
    number = i % 5 == 4 ? (io.bit(bit) ? 1 : 0) : i % 3 == 2 ? io.direct(7) : model.decode(io);
  });
  wire::RangeEncoder out;
  each(out, numbers, [](auto& io, auto& model, auto& bit, std::size_t i, std::uint64_t& number) {
    if (i % 5 == 4)
      io.bit(bit, number == 1);
    else if (i % 3 == 2)
      io.direct(number, 7);
    else
      model.encode(io, number);
  });
  const Bytes coded = out.finish();
  if (in.finished()) LT_CHECK(std::ranges::equal(coded, input.subspan(1)));  // one spelling
  std::vector<std::uint64_t> back(numbers.size());
  wire::RangeDecoder again(coded);  // and each has one, also where `input` was none
  each(again, back, [](auto& io, auto& model, auto& bit, std::size_t i, std::uint64_t& number) {
    number = i % 5 == 4 ? (io.bit(bit) ? 1 : 0) : i % 3 == 2 ? io.direct(7) : model.decode(io);
  });
  LT_CHECK(again.finished() && back == numbers);
}

void inflate(ByteView input) {
  if (input.empty()) return;
  const std::uint32_t dictionary = (input[0] & 2) != 0 ? 1 : 0;
  ByteView rest = input.subspan(1);
  if ((input[0] & 1) == 0) {
    static wire::MessageInflater plain(0), with_dictionary(1);
    const auto out = (dictionary == 0 ? plain : with_dictionary).inflate(rest);
    if (!out.ok()) return;
    LT_CHECK(out->size() <= wire::inflated_max(rest.size()));
    if (out->size() > 2'000) return;  // packing is dear
    static wire::MessageDeflater pack(0), pack_with_dictionary(1);
    const auto packed = (dictionary == 0 ? pack : pack_with_dictionary).deflate(*out);
    if (packed) LT_CHECK(*(dictionary == 0 ? plain : with_dictionary).inflate(*packed) == *out);
    return;
  }
  wire::BacklogInflater backlog(dictionary);
  while (!rest.empty()) {
    const std::size_t size = std::min<std::size_t>(1 + rest[0] * std::size_t{4}, rest.size() - 1);
    const auto out = backlog.inflate(rest.subspan(1, size));
    if (!out.ok()) return;
    LT_CHECK(out->size() <= wire::inflated_max(size));
    rest = rest.subspan(1 + size);
  }
}

void read_bundle(ByteView input) {
  if (input.empty()) return;
  read_file(input.subspan(1), 1 + input[0] * std::size_t{16});
}

void read_bundle_head(ByteView input) {
  const BundleHeader header = bundle_header();
  ByteWriter head;
  for (const ByteView part : {header.root.view(), header.target.view(), header.agency.view(),
                              header.node.view(), header.certificate.view(), input})
    head.raw(part);
  head.raw(keys().exporter.sign(hash(kTagBundle, kRoot, ByteView(head.bytes())).view()));
  ByteWriter file;
  file.raw(as_bytes("LTBUNDLE"));
  file.u16(1);
  file.u32(static_cast<std::uint32_t>(head.size()));
  file.raw(head.bytes());
  read_file(file.bytes(), file.size());
}

void decode_bundle_record(ByteView input) {
  const auto record = lienthong::decode_bundle_record(input);
  if (!record.ok() || !*record) return;
  LT_CHECK(std::ranges::equal(encode_bundle_record(**record), input));
}

void read_evidence(ByteView input) {
  const auto evidence = decode_evidence(input);
  if (!evidence.ok()) return;
  LT_CHECK(std::ranges::equal(encode_evidence(*evidence), input));
  (void)prove(*evidence);
}

void read_csv(ByteView input) {
  CsvReader reader(text_of(input));
  std::size_t failures = 0;
  for (;;) {
    const auto row = reader.next();
    LT_CHECK(reader.line() <= input.size() + 1);
    if (!row.ok()) {
      LT_CHECK(++failures <= input.size() + 1);
      continue;
    }
    if (!*row) return;
    std::string text = csv_row((*row)->fields);
    const bool alone = (*row)->fields.size() == 1;  // its separator cannot be told
    if (alone || (*row)->fields.front().starts_with("\xef\xbb\xbf")) continue;
    CsvReader back(text);
    if (back.separator() != ',') continue;
    const auto again = back.next();
    LT_CHECK(again.ok() && *again &&
             std::ranges::equal((**again).fields, (*row)->fields, {}, csv_plain));
  }
}

// The cost is read before anything is spent; only cheap ones are carried out here.
void open_secret(ByteView input) {
  std::string text(text_of(input));
  const auto cost = text.find("argon2id ");
  if (cost != std::string::npos && !text.substr(cost).starts_with("argon2id 1 8192 ")) return;
  static_cast<void>(lienthong::open_secret(text, "x"));
}

void decode_token(ByteView input) {
  const auto token = lienthong::decode_token(text_of(input));
  if (!token.ok()) return;
  const auto again = lienthong::decode_token(encode_token(*token));
  LT_CHECK(again.ok() && again->addresses == token->addresses && again->secret == token->secret);
}

void parse_config(ByteView input) {
  const agent::ConfigReading reading = agent::parse_config(text_of(input));
  static_cast<void>(reading.report("agent.toml"));
  if (!reading.mistakes.empty()) return;
  const agent::ConfigReading again = agent::parse_config(agent::render_config(reading.config));
  LT_CHECK(again.mistakes.empty());
}

// ---- seeds ----

std::vector<Bytes> seeds_of_records() {
  std::vector<Bytes> out;
  const auto add = [&out](std::uint8_t which, const Bytes& body) {
    Bytes seed{which};
    seed.insert(seed.end(), body.begin(), body.end());
    out.push_back(std::move(seed));
  };
  Envelope envelope;
  envelope.deps = {UpdateId::from(Bytes(32, 1)), UpdateId::from(Bytes(32, 2))};
  add(0, encode_envelope(envelope));
  OpenBody open;
  open.kind = UpdateKind::kSet;
  add(1, wire::encode(open));
  ClosedBody closed;
  closed.key_hash = Bytes(16, 4);
  add(2, wire::encode(closed));
  const test::TestDeployment deployment(1);
  for (const Statement& statement : deployment.statements()) {
    add(3, statement.body);
    add(4, encode_statement(statement));
  }
  Seal seal;
  seal.count = 3;
  add(5, encode_seal(seal));
  add(6, encode_state(RecordState{}));
  add(7, wire::encode(std::vector<wire::Component>{{"tờ khai", "original", 2, "", 0, ""}}));
  add(8, wire::encode(std::vector<wire::Fee>{{"lệ phí", 15'000, "cash", 5, "1"}}));
  add(9, SealEvidence(seal).encode());
  return out;
}

std::vector<Bytes> seeds_of_symbols() {
  std::vector<Bytes> out;
  for (const std::uint64_t ids : {18ULL, 30ULL}) {
    const SymbolKey key(kRoot, 1, 2, ids);
    Sketch theirs(key, 24);
    theirs.add(short_ids(ids));
    ByteWriter seed;
    seed.u8(24);
    seed.varint(ids);
    encode_symbols(seed, theirs.symbols(), key.id_bytes());
    out.push_back(seed.take());
  }
  return out;
}

std::vector<Bytes> seeds_of_heal_bodies() {
  const std::vector<heal::Content> contents{heal::Ask{true, false, 300, {}, 5},
                                            heal::Equal{},
                                            heal::Busy{},
                                            heal::Differ{false, 7, {}, 9, 40},
                                            heal::Symbols{32, 2, Bytes(26, 1)},
                                            heal::More{80},
                                            heal::Want{true, 31, {1, 2, 3, 70'000}},
                                            heal::Part{Bytes(20, 3)},
                                            heal::Stored{4},
                                            heal::Done{FeedMark{1, 2, 3}},
                                            heal::Stop{}};
  std::vector<Bytes> out;
  for (const heal::Content& content : contents)
    out.push_back(heal::encode_body(heal::Body{FeedKind::kUpdates, 3, content}));
  return out;
}

std::vector<Bytes> seeds_of_numbers() {
  wire::RangeEncoder out;
  wire::NumberModel model;
  for (const std::uint64_t number : {0ULL, 70'000ULL}) model.encode(out, number);
  Bytes seed{2};
  const Bytes coded = out.finish();
  seed.insert(seed.end(), coded.begin(), coded.end());
  return {seed, Bytes{255}, Bytes{20, 1, 2, 3, 4, 5, 6, 7, 8}};
}

std::vector<Bytes> seeds_of_packed() {
  const Bytes message = to_bytes(as_bytes(std::string(200, 'a') + "H47.12.05-230401-0001"));
  std::vector<Bytes> out;
  for (const std::uint8_t dictionary : {std::uint8_t{0}, std::uint8_t{1}}) {
    const auto how = static_cast<std::uint8_t>(dictionary << 1);
    Bytes single{how};
    const auto packed = *wire::MessageDeflater(dictionary).deflate(message);
    single.insert(single.end(), packed.begin(), packed.end());
    out.push_back(single);
    Bytes backlog{static_cast<std::uint8_t>(how | 1)};
    wire::BacklogDeflater deflater(3, dictionary);
    for (int i = 0; i < 2; ++i) {
      const auto piece = *deflater.deflate(message);
      backlog.push_back(static_cast<std::uint8_t>((piece.size() - 1) / 4));
      backlog.insert(backlog.end(), piece.begin(), piece.end());
    }
    out.push_back(backlog);
  }
  return out;
}

std::vector<Bytes> seeds_of_bundles() {
  auto writer = *BundleWriter::create(bundle_header(), {{kReader, keys().reader.public_key()}},
                                      keys().exporter, seed_of(21), seed_of(22));
  Bytes file{200};
  file.insert(file.end(), writer.head().begin(), writer.head().end());
  for (const BundleRecord& record : bundle_records()) {
    const Bytes bytes = *writer.add(record);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  return {file};
}

// What follows the four ids of a head, without the signature.
std::vector<Bytes> seeds_of_evidence() {
  test::TestDeployment deployment(5);
  const AgencyId province = deployment.add_agency({}, "H47", "Tỉnh", "province");
  test::TestNode& node = deployment.add_node(province, true);
  OpenBody open;
  open.kind = UpdateKind::kCreated;
  open.writes = {{1, std::string("A-1")}};
  Evidence evidence;
  evidence.root = deployment.root();
  evidence.statements = deployment.statements();
  EvidenceUpdate update;
  update.update.envelope.certificate = node.certificate;
  update.update.open = wire::encode(open);
  ClosedBody closed;
  closed.note = "ghi chú";
  update.update.closed = wire::encode(closed);
  update.salt = seed_of(3);
  update.update.closed_hash =
      closed_part_hash(deployment.root(), *update.salt, encode_envelope(update.update.envelope),
                       ByteView(update.update.closed));
  const UpdateId id = update_id(deployment.root(), update.update);
  evidence.record = id_cast<RecordId>(id);
  const Hash256 leaf = id_cast<Hash256>(id);
  evidence.seals = {node.seal(deployment.root(), std::span(&leaf, 1))};
  update.places = {{0, 0, {}}};
  evidence.updates = {update};
  LT_CHECK(prove(evidence).ok());
  return {encode_evidence(evidence)};
}

std::vector<Bytes> seeds_of_bundle_heads() {
  auto writer = *BundleWriter::create(bundle_header(), {{kReader, keys().reader.public_key()}},
                                      keys().exporter, seed_of(21), seed_of(22));
  constexpr std::size_t kBefore = 8 + 2 + 4 + 4 * 32, kSignature = 64;
  const ByteView head(writer.head());
  return {to_bytes(head.subspan(kBefore, head.size() - kBefore - kSignature))};
}

std::vector<Bytes> seeds_of_bundle_records() {
  std::vector<Bytes> out;
  for (const BundleRecord& record : bundle_records()) out.push_back(encode_bundle_record(record));
  return out;
}

std::vector<Bytes> seeds_of_csv() {
  return {to_bytes(as_bytes("\xef\xbb\xbfmã;tên\r\n\"a;\"\"b\"\"\";x\r\n\r\n1;2\r\n")),
          to_bytes(as_bytes("a,b\n\"x\ny\",z\n"))};
}

std::vector<Bytes> seeds_of_secrets() {
  return {to_bytes(as_bytes(seal_secret(seed_of(5), "x", {}, {}, SecretFileCost{1, 8192})))};
}

std::vector<Bytes> seeds_of_tokens() {
  Token token;
  token.addresses = {"10.20.0.1:7410", "district.example:7410"};
  token.root = kRoot;
  return {to_bytes(as_bytes(encode_token(token)))};
}

std::vector<Bytes> seeds_of_configs() {
  agent::Config config;
  config.data_dir = "/var/lib/lienthong";
  return {to_bytes(as_bytes(agent::render_config(config)))};
}

}  // namespace lienthong::fuzz
