#include "store/replica/rows.h"

#include <algorithm>
#include <stdexcept>

namespace lienthong::store {
namespace {

std::string big_endian(std::uint64_t value, unsigned size) {
  std::string out(size, '\0');
  for (unsigned i = 0; i < size; ++i)
    out[i] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * (size - 1 - i))));
  return out;
}

std::uint64_t from_big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

template <class Tag>
std::string id_key(char kind, const Id<Tag>& id, std::size_t size = 32) {
  return std::string(1, kind).append(as_text(id.view().first(size)));
}

std::string take(ByteWriter& out) {
  const Bytes bytes = out.take();
  return std::string(as_text(bytes));
}

// Our own rows, checksummed by RocksDB: a row that does not decode is a bug or a broken disk.
template <class T>
T must(Result<T> result, const char* what) {
  if (!result.ok())
    throw std::runtime_error(std::string("stored ") + what + ": " + result.error().message());
  return *std::move(result);
}

class RowReader {
 public:
  RowReader(std::string_view bytes, const char* what) : in_(as_bytes(bytes)), what_(what) {}
  std::uint64_t varint() { return must(in_.varint(), what_); }
  std::uint32_t varint32() { return static_cast<std::uint32_t>(varint()); }
  std::uint64_t u64() { return must(in_.u64(), what_); }
  Bytes sized() { return to_bytes(must(in_.sized(std::size_t{1} << 30), what_)); }
  std::string text() { return std::string(as_text(must(in_.sized(std::size_t{1} << 30), what_))); }
  template <class IdType>
  IdType id() {
    IdType out;
    out.bytes = must(in_.array<32>(), what_);
    return out;
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    return must(in_.array<N>(), what_);
  }
  ByteView rest() const { return in_.rest(); }

 private:
  ByteReader in_;
  const char* what_;
};

void put_update(ByteWriter& out, const Update& update) {
  out.sized(encode_envelope(update.envelope));
  out.sized(update.open);
  out.sized(update.closed);
  out.u8(update.closed_hash.is_zero() ? 0 : update.secret ? 2 : 1);
  if (!update.closed_hash.is_zero()) out.raw(update.closed_hash.view());
  if (!update.closed_hash.is_zero() && update.secret) out.raw(*update.secret);
}

// In record rows: 16 bytes, or none.
void put_secret(ByteWriter& out, const std::optional<RecordSecret>& secret) {
  out.sized(secret ? ByteView(*secret) : ByteView());
}
std::optional<RecordSecret> get_secret(RowReader& in) {
  const Bytes bytes = in.sized();
  if (bytes.size() != kSecretSize) return std::nullopt;
  RecordSecret secret;
  std::ranges::copy(bytes, secret.begin());
  return secret;
}

constexpr std::uint8_t kRecordRowFormat = 2;

// Count, then differences.
void put_ascending(ByteWriter& out, const std::vector<std::uint64_t>& numbers) {
  out.varint(numbers.size());
  std::uint64_t last = 0;
  for (const std::uint64_t number : numbers) {
    out.varint(number - last);
    last = number;
  }
}

std::vector<std::uint64_t> get_ascending(RowReader& in) {
  std::vector<std::uint64_t> numbers(in.varint());
  std::uint64_t last = 0;
  for (std::uint64_t& number : numbers) number = last += in.varint();
  return numbers;
}

Update get_update(RowReader& in) {
  Update update;
  update.envelope = must(decode_envelope(in.sized()), "envelope");
  update.open = in.sized();
  update.closed = in.sized();
  const std::uint8_t beside = in.array<1>()[0];
  if (beside != 0) update.closed_hash = in.id<Hash256>();
  if (beside == 2) update.secret = in.array<kSecretSize>();
  return update;
}

}  // namespace

namespace key {
std::string meta(std::string_view name) { return "M" + std::string(name); }
std::string update(std::uint64_t number) { return "U" + big_endian(number, 8); }
std::string update_index(const UpdateId& id) { return id_key('I', id, 16); }
std::string update_seal(std::uint64_t number) { return "Y" + big_endian(number, 8); }
std::string further_seals(std::uint64_t number) { return "y" + big_endian(number, 8); }
std::string further_seal(std::uint64_t number, std::uint32_t seal) {
  return further_seals(number) + big_endian(seal, 4);
}
std::string unsealed(std::uint64_t number) { return "X" + big_endian(number, 8); }
std::string stripped(std::uint64_t number) { return "x" + big_endian(number, 8); }
std::string record(std::uint32_t number) { return "R" + big_endian(number, 4); }
std::string record_index(const RecordId& id) { return id_key('r', id, 16); }
std::string code_prefix(std::string_view folded) {
  return "D" + std::string(folded) + std::string(1, '\0');
}
std::string code(std::string_view folded, std::uint32_t record) {
  return code_prefix(folded) + big_endian(record, 4);
}
std::string led_prefix(const RecordId& lead) { return id_key('J', lead, 16); }
std::string led(const RecordId& lead, std::uint32_t record) {
  return led_prefix(lead) + big_endian(record, 4);
}
std::string seal(std::uint32_t number) { return "S" + big_endian(number, 4); }
std::string evidence(std::uint32_t number) { return "V" + big_endian(number, 4); }
std::string seal_index(const SealId& id) { return id_key('s', id, 16); }
std::string node_seals(const NodeId& node) { return id_key('k', node, 16); }
std::string node_seal(const NodeId& node, std::uint64_t incarnation, std::uint32_t number,
                      const SealId& id) {
  return node_seals(node) + big_endian(incarnation, 8) + big_endian(number, 4) +
         std::string(as_text(id.view().first(8)));
}
std::string stale(std::uint32_t record) { return "q" + big_endian(record, 4); }
std::string feed(const AgencyId& reader) { return id_key('E', reader); }
std::string filling(const AgencyId& reader) { return id_key('e', reader); }
std::string feed_prefix(std::uint32_t feed) { return "F" + big_endian(feed, 4); }
std::string feed_entry(std::uint32_t feed, std::uint64_t position) {
  return feed_prefix(feed) + big_endian(position, 8);
}
std::string statement(std::uint64_t number) { return "T" + big_endian(number, 8); }
std::string waiting_statement(const StatementId& id) { return id_key('W', id); }
std::string node(std::uint32_t number) { return "N" + big_endian(number, 4); }
std::string cursor(FeedKind kind, const NodeId& writer) {
  return std::string("C").append(1, static_cast<char>(kind)).append(as_text(writer.view()));
}
std::string heard(FeedKind kind, const NodeId& reader) {
  return std::string("H").append(1, static_cast<char>(kind)).append(as_text(reader.view()));
}
std::string carry(FeedKind kind, const NodeId& node) {
  return std::string("B").append(1, static_cast<char>(kind)).append(as_text(node.view()));
}
std::string session_numbers(const NodeId& node) { return id_key('Z', node); }
std::string pen(const UpdateId& id) { return id_key('P', id); }
std::string refused(std::uint64_t number) { return "Q" + big_endian(number, 8); }
std::string idempotency(ByteView key_hash) { return "K" + std::string(as_text(key_hash)); }
std::string local(std::string_view name) { return "L" + std::string(name); }
std::string change(std::uint64_t number) { return "c" + big_endian(number, 8); }
std::string forked(std::uint32_t record) { return "f" + big_endian(record, 4); }
std::string upheld(std::uint32_t record) { return "n" + big_endian(record, 4); }
std::string moved(std::uint64_t number) { return "g" + big_endian(number, 8); }
std::string backfill(const NodeId& node) { return id_key('h', node); }
}  // namespace key

std::string encode(const NodeSeal& seal) {
  ByteWriter out;
  out.raw(seal.id.view());
  out.varint(seal.row);
  out.u8(seal.statement ? 1 : 0);
  return take(out);
}

NodeSeal decode_node_seal(std::string_view key, std::string_view bytes) {
  RowReader in(bytes, "seal of a machine");
  NodeSeal seal;
  seal.incarnation = from_big_endian(key.substr(17, 8));
  seal.number = static_cast<std::uint32_t>(from_big_endian(key.substr(25, 4)));
  seal.id = in.id<SealId>();
  seal.row = in.varint32();
  seal.statement = in.array<1>()[0] != 0;
  return seal;
}

std::string encode(const UpdateRow& row) {
  ByteWriter out;
  out.reserve(256 + 32 * row.update.envelope.deps.size() + row.update.open.size() +
              row.update.closed.size());
  out.raw(row.id.view());
  out.varint(row.record);
  out.varint(row.source);
  out.u64(static_cast<std::uint64_t>(row.received_at));
  put_update(out, row.update);
  out.u8(row.custody ? 1 : 0);
  out.varint(row.seal ? row.seal->seal : 0);
  out.varint(row.seal ? row.seal->leaf : 0);
  out.varint(row.came_after);
  return take(out);
}

UpdateRow decode_update_row(std::string_view bytes) {
  RowReader in(bytes, "update");
  UpdateRow row;
  row.id = in.id<UpdateId>();
  row.record = in.varint32();
  row.source = in.varint32();
  row.received_at = static_cast<UnixMillis>(in.u64());
  row.update = get_update(in);
  row.custody = in.array<1>()[0] != 0;
  const std::uint32_t seal = in.varint32();
  const auto leaf = static_cast<std::uint16_t>(in.varint());
  if (seal != 0) row.seal = UpdateSeal{seal, leaf};
  row.came_after = in.varint();
  return row;
}

UpdateHead decode_update_head(std::string_view bytes) {
  RowReader in(bytes, "update");
  UpdateHead head;
  head.id = in.id<UpdateId>();
  head.record = in.varint32();
  head.source = in.varint32();
  return head;
}

std::string encode(const UpheldRow& row) {
  ByteWriter out;
  out.varint(row.words.size());
  for (const UpheldRow::Word& word : row.words) {
    out.raw(word.id.view());
    out.u64(static_cast<std::uint64_t>(word.at));
  }
  return take(out);
}

UpheldRow decode_upheld_row(std::string_view bytes) {
  RowReader in(bytes, "words of the notary");
  UpheldRow row;
  row.words.resize(in.varint());
  for (UpheldRow::Word& word : row.words) {
    word.id = in.id<UpdateId>();
    word.at = static_cast<UnixMillis>(in.u64());
  }
  return row;
}

bool is_custody(UpdateKind kind) {
  return (is_link(kind) && kind != UpdateKind::kCreated) || kind == UpdateKind::kRecallRequest ||
         kind == UpdateKind::kUphold;
}

std::string encode(const UpdateSeal& row) {
  ByteWriter out;
  out.varint(row.seal);
  out.varint(row.leaf);
  return take(out);
}

UpdateSeal decode_update_seal(std::string_view bytes) {
  RowReader in(bytes, "seal of an update");
  UpdateSeal row;
  row.seal = in.varint32();
  row.leaf = static_cast<std::uint16_t>(in.varint());
  return row;
}

std::string encode(const UnsealedRow& row) {
  ByteWriter out;
  out.raw(row.id.view());
  out.varint(row.record);
  out.varint(row.bytes);
  return take(out);
}

UnsealedRow decode_unsealed_row(std::string_view bytes) {
  RowReader in(bytes, "update that is not sealed");
  UnsealedRow row;
  row.id = in.id<UpdateId>();
  row.record = in.varint32();
  row.bytes = in.varint();
  return row;
}

std::string encode(const RecordRow& row) {
  ByteWriter out;
  out.reserve(128 + row.state.size() + 3 * row.updates.size() * (1 + row.feeds.size()));
  out.raw(row.id.view());
  out.u8(kRecordRowFormat);
  put_secret(out, row.secret);
  out.varint(row.feeds.size());
  for (const FedFeed& feed : row.feeds) {
    out.varint(feed.feed);
    put_ascending(out, feed.places);
  }
  put_ascending(out, row.updates);  // arrival order
  out.sized(row.state);
  return take(out);
}

RecordRow decode_record_row(std::string_view bytes) {
  RowReader in(bytes, "record");
  RecordRow row;
  row.id = in.id<RecordId>();
  if (in.array<1>()[0] != kRecordRowFormat) throw std::runtime_error("stored record: its format");
  row.secret = get_secret(in);
  row.feeds.resize(in.varint());
  for (FedFeed& feed : row.feeds) {
    feed.feed = in.varint32();
    feed.places = get_ascending(in);
  }
  row.updates = get_ascending(in);
  row.state = in.sized();
  return row;
}

std::string encode(const FeedMeta& row) {
  ByteWriter out;
  out.varint(row.number);
  out.u64(row.epoch);
  out.varint(row.end);
  out.u64(row.hash);
  out.raw(row.sum);
  out.varint(row.withdrawn);
  return take(out);
}

FeedMeta decode_feed_meta(std::string_view bytes) {
  RowReader in(bytes, "feed");
  FeedMeta row;
  row.number = in.varint32();
  row.epoch = in.u64();
  row.end = in.varint();
  row.hash = in.u64();
  row.sum = in.array<16>();
  row.withdrawn = in.varint();
  return row;
}

std::string encode(const FeedEntry& row) {
  ByteWriter out;
  out.varint(row.update);
  out.varint(row.source);
  out.u64(row.hash);
  const bool has_id = row.id != IdPrefix{};
  out.u8(static_cast<std::uint8_t>((row.custody ? 1 : 0) | (has_id ? 2 : 0)));
  if (has_id) out.raw(row.id);
  return take(out);
}

FeedEntry decode_feed_entry(std::string_view bytes) {
  RowReader in(bytes, "feed entry");
  FeedEntry row;
  row.update = in.varint();
  row.source = in.varint32();
  row.hash = in.u64();
  const std::uint8_t flags = in.array<1>()[0];
  row.custody = (flags & 1) != 0;
  if ((flags & 2) != 0) row.id = in.array<16>();
  return row;
}

std::string encode(const StatementRow& row) {
  ByteWriter out;
  out.varint(row.source);
  out.u64(row.hash);
  out.raw(encode_statement(row.statement));
  return take(out);
}

StatementRow decode_statement_row(std::string_view bytes) {
  RowReader in(bytes, "statement");
  StatementRow row;
  row.source = in.varint32();
  row.hash = in.u64();
  row.statement = must(decode_statement(in.rest()), "statement");
  return row;
}

std::string encode(const WaitingStatement& row) {
  ByteWriter out;
  out.raw(row.from.view());
  out.raw(encode_statement(row.statement));
  return take(out);
}

WaitingStatement decode_waiting_statement(std::string_view bytes) {
  RowReader in(bytes, "waiting statement");
  WaitingStatement row;
  row.from = in.id<NodeId>();
  row.statement = must(decode_statement(in.rest()), "statement");
  return row;
}

std::string encode(const PenRow& row) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(row.why));
  out.raw(row.entry.id.view());
  out.raw(row.entry.from.view());
  out.sized(row.entry.reason);
  out.u64(static_cast<std::uint64_t>(row.entry.since));
  out.raw(row.missing.view());
  out.raw(encode_seal(row.unit.seal));
  out.varint(row.unit.leaves.at(0).index);
  put_update(out, row.unit.leaves.at(0).update);
  out.varint(row.unit.proof.size());
  for (const Hash256& hash : row.unit.proof) out.raw(hash.view());
  return take(out);
}

PenRow decode_pen_row(std::string_view bytes) {
  RowReader in(bytes, "waiting update");
  PenRow row;
  row.why = static_cast<PenReason>(in.array<1>()[0]);
  row.entry.id = in.id<UpdateId>();
  row.entry.from = in.id<NodeId>();
  row.entry.reason = in.text();
  row.entry.since = static_cast<UnixMillis>(in.u64());
  row.missing = in.id<UpdateId>();
  row.unit.seal = must(decode_seal(in.array<kSealSize>()), "seal");
  SealedLeaf leaf;
  leaf.index = static_cast<std::uint16_t>(in.varint());
  leaf.update = get_update(in);
  row.unit.leaves.push_back(std::move(leaf));
  row.unit.proof.resize(in.varint());
  for (Hash256& hash : row.unit.proof) hash = in.id<Hash256>();
  return row;
}

std::string encode(const RefusedEntry& row) {
  ByteWriter out;
  out.varint(row.number);
  out.raw(row.id.view());
  out.raw(row.from.view());
  out.raw(row.from_agency.view());
  out.sized(row.reason);
  out.u64(static_cast<std::uint64_t>(row.at));
  if (row.by_peer) out.u8(1);
  return take(out);
}

RefusedEntry decode_refused_row(std::string_view bytes) {
  RowReader in(bytes, "refused update");
  RefusedEntry row;
  row.number = in.varint();
  row.id = in.id<UpdateId>();
  row.from = in.id<NodeId>();
  row.from_agency = in.id<AgencyId>();
  row.reason = in.text();
  row.at = static_cast<UnixMillis>(in.u64());
  row.by_peer = !in.rest().empty();
  return row;
}

std::string encode_number(std::uint64_t number) { return big_endian(number, 8); }

std::uint64_t decode_number(std::string_view bytes) {
  if (bytes.size() != 8) throw std::runtime_error("stored number");
  return from_big_endian(bytes);
}

std::string encode_number4(std::uint32_t number) { return big_endian(number, 4); }

std::uint32_t decode_number4(std::string_view bytes) {
  if (bytes.size() != 4) throw std::runtime_error("stored number of 4 bytes");
  return static_cast<std::uint32_t>(from_big_endian(bytes));
}

std::string encode_cursor_row(const Cursor& cursor) {
  ByteWriter out;
  encode_cursor(out, cursor);
  return take(out);
}

Cursor decode_cursor_row(std::string_view bytes) {
  ByteReader in(as_bytes(bytes));
  return must(decode_cursor(in), "cursor");
}

std::string fold_code(std::string_view code) {
  std::string out(code);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace lienthong::store
