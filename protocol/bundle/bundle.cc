#include "protocol/bundle/bundle.h"

#include <sodium/crypto_aead_xchacha20poly1305.h>
#include <sodium/utils.h>

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/bundle/record.h"
#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'L', 'T', 'B', 'U', 'N', 'D', 'L', 'E'};
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kWrappedBytes = 32 + kTagBytes;
constexpr std::size_t kPrefaceBytes = kMagic.size() + 2 + 4;  // magic, version, length of the head
constexpr std::size_t kHeadBytesMax = 16 * 1024;
// Before the body of a part: type, kind, epoch, stretches; after it the signature.
constexpr std::size_t kRecordBytesMax = kMessageBytesMax + 4096;

enum class Type : std::uint8_t {  // on the wire: never change
  kPart = 1,
  kReceipt = 2,
  kEnd = 3,
};

using Key32 = std::array<std::uint8_t, 32>;
using Nonce = std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;

// Each key seals one thing under each nonce: the file key its records by number, a wrapping key
// the file key.
Nonce nonce_of(std::uint64_t number) {
  ByteWriter out;
  out.u64(number);
  Nonce nonce{};
  std::ranges::copy(out.bytes(), nonce.begin());
  return nonce;
}

Bytes seal(const Key32& key, std::uint64_t number, ByteView context, ByteView plaintext) {
  Bytes out(plaintext.size() + kTagBytes);
  const Nonce nonce = nonce_of(number);
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), &size, plaintext.data(), plaintext.size(),
                                             context.data(), context.size(), nullptr, nonce.data(),
                                             key.data());
  LT_CHECK(size == out.size());
  return out;
}

std::optional<Bytes> unseal(const Key32& key, std::uint64_t number, ByteView context,
                            ByteView sealed) {
  if (sealed.size() < kTagBytes) return std::nullopt;
  Bytes out(sealed.size() - kTagBytes);
  const Nonce nonce = nonce_of(number);
  unsigned long long size = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), &size, nullptr, sealed.data(),
                                                 sealed.size(), context.data(), context.size(),
                                                 nonce.data(), key.data()) != 0)
    return std::nullopt;
  return out;
}

Result<Key32> wrapping_key(const RootFingerprint& root, const DhKey& ours, const Key32& theirs,
                           const Key32& ephemeral, const Key32& recipient) {
  LT_TRY(const Key32 shared, ours.shared(theirs));
  return hash(kTagBundleKey, root, ByteView(ephemeral), ByteView(recipient), ByteView(shared))
      .bytes;
}

Hash256 record_hash(const RootFingerprint& root, const Hash256& head, std::uint64_t number,
                    ByteView body) {
  ByteWriter place;
  place.u64(number);
  return hash(kTagBundleRecord, root, head, ByteView(place.bytes()), body);
}

Result<FeedKind> read_kind(ByteReader& in) {
  LT_TRY(const std::uint8_t kind, in.u8());
  if (kind > static_cast<std::uint8_t>(FeedKind::kUpdates))
    return Error(Errc::kMalformed, "the kind of a feed in a bundle");
  return static_cast<FeedKind>(kind);
}

Result<BundleRecord> decode_part(ByteReader& in) {
  BundlePart out;
  LT_TRY(out.kind, read_kind(in));
  LT_TRY(out.part.epoch, in.u64());
  LT_TRY(const std::uint64_t count, in.varint());
  if (count > kCursorRangeCountMax) return Error(Errc::kTooLarge, "stretches of a bundle's part");
  std::uint64_t after = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    CursorRange range;
    LT_TRY(range.first, in.varint());
    LT_TRY(range.last, in.varint());
    LT_TRY(range.hash, in.u64());
    if (range.first <= after || range.last < range.first || range.last > kFeedNumberMax)
      return Error(Errc::kMalformed, "stretches of a bundle's part");
    after = range.last;
    out.part.covered.push_back(range);
  }
  out.part.body = to_bytes(in.rest());
  return BundleRecord(std::move(out));
}

}  // namespace

Bytes encode_bundle_record(const BundleRecord& record) {
  ByteWriter out;
  if (const auto* part = std::get_if<BundlePart>(&record)) {
    out.u8(static_cast<std::uint8_t>(Type::kPart));
    out.u8(static_cast<std::uint8_t>(part->kind));
    out.u64(part->part.epoch);
    out.varint(part->part.covered.size());
    for (const CursorRange& range : part->part.covered) {
      out.varint(range.first);
      out.varint(range.last);
      out.u64(range.hash);
    }
    out.raw(part->part.body);
  } else if (const auto* receipt = std::get_if<BundleReceipt>(&record)) {
    out.u8(static_cast<std::uint8_t>(Type::kReceipt));
    out.u8(static_cast<std::uint8_t>(receipt->kind));
    out.raw(receipt->writer.view());
    encode_cursor(out, receipt->cursor);
  } else {
    out.u8(static_cast<std::uint8_t>(Type::kEnd));
    out.varint(std::get<BundleEnd>(record).parts);
  }
  return out.take();
}

Result<std::optional<BundleRecord>> decode_bundle_record(ByteView body) {
  ByteReader in(body);
  LT_TRY(const std::uint8_t type, in.u8());
  switch (static_cast<Type>(type)) {
    case Type::kPart: {
      LT_TRY(BundleRecord part, decode_part(in));
      return std::optional(std::move(part));
    }
    case Type::kReceipt: {
      BundleReceipt out;
      LT_TRY(out.kind, read_kind(in));
      LT_TRY(out.writer.bytes, in.array<NodeId::kSize>());
      LT_TRY(out.cursor, decode_cursor(in));
      LT_TRY_VOID(in.finish("a receipt in a bundle"));
      return std::optional<BundleRecord>(std::move(out));
    }
    case Type::kEnd: {
      BundleEnd out;
      LT_TRY(out.parts, in.varint());
      LT_TRY_VOID(in.finish("the end of a bundle"));
      return std::optional<BundleRecord>(out);
    }
  }
  return std::optional<BundleRecord>();
}

// ---- writing ----

Result<BundleWriter> BundleWriter::create(const BundleHeader& header,
                                          const std::vector<BundleRecipient>& recipients,
                                          const SigningKey& key, const Seed& file_key,
                                          const Seed& ephemeral) {
  LT_CHECK(!recipients.empty() && recipients.size() <= kBundleRecipientCountMax);
  LT_CHECK(key.public_key() == header.node);
  BundleWriter writer(header, key, file_key);
  const DhKey fresh(ephemeral);
  ByteWriter head;
  head.raw(header.root.view());
  head.raw(header.target.view());
  head.raw(header.agency.view());
  head.raw(header.node.view());
  head.raw(header.certificate.view());
  head.u64(static_cast<std::uint64_t>(header.at));
  head.raw(fresh.public_key());
  head.varint(recipients.size());
  for (const BundleRecipient& recipient : recipients) {
    LT_TRY(const Key32 wrap, wrapping_key(header.root, fresh, recipient.dh_key, fresh.public_key(),
                                          recipient.dh_key));
    head.raw(recipient.node.view());
    head.raw(seal(wrap, 0, recipient.node.view(), file_key));
  }
  writer.head_hash_ = hash(kTagBundle, header.root, ByteView(head.bytes()));
  head.raw(key.sign(writer.head_hash_.view()));
  ByteWriter out;
  out.raw(kMagic);
  out.u16(kVersion);
  out.u32(static_cast<std::uint32_t>(head.size()));
  out.raw(head.bytes());
  writer.head_ = out.take();
  return writer;
}

Result<Bytes> BundleWriter::add(const BundleRecord& record) {
  Bytes body = encode_bundle_record(record);
  if (body.size() + kSignatureBytes > kRecordBytesMax)
    return Error(Errc::kTooLarge, "a part of a bundle");
  const std::uint64_t number = ++count_;
  const Signature signature = key_.sign(record_hash(root_, head_hash_, number, body).view());
  body.insert(body.end(), signature.begin(), signature.end());
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(body.size() + kTagBytes));
  out.raw(seal(file_key_, number, head_hash_.view(), body));
  return out.take();
}

// ---- reading ----

Result<std::optional<BundleRecord>> BundleReader::next(ByteView bytes) {
  if (complete_ && !bytes.empty())
    return Error(Errc::kOutOfOrder, "bytes after the end of the bundle");
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (!header_) {
    LT_TRY(const bool there, read_head());
    if (!there) return std::optional<BundleRecord>();
  }
  return read_record();
}

Result<bool> BundleReader::read_head() {
  const std::size_t there = std::min(buffer_.size(), kMagic.size());
  if (!std::equal(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(there),
                  kMagic.begin()))
    return Error(Errc::kMalformed, "the file is no bundle");
  if (buffer_.size() < kPrefaceBytes) return false;
  ByteReader in(ByteView(buffer_).subspan(kMagic.size()));
  LT_TRY(const std::uint16_t version, in.u16());
  if (version != kVersion)
    return Error(Errc::kBadVersion, "the bundle is of version " + std::to_string(version) +
                                        "; this program reads version 1");
  LT_TRY(const std::uint32_t size, in.u32());
  if (size > kHeadBytesMax || size <= kSignatureBytes)
    return Error(Errc::kTooLarge, "the head of the bundle");
  if (in.rest().size() < size) return false;
  const Bytes whole = to_bytes(in.rest().first(size));
  LT_TRY_VOID(open_head(ByteView(whole).first(size - kSignatureBytes), whole));
  buffer_.erase(buffer_.begin(),
                buffer_.begin() + static_cast<std::ptrdiff_t>(kPrefaceBytes + size));
  return true;
}

Result<void> BundleReader::open_head(ByteView head, ByteView whole) {
  ByteReader in(head);
  BundleHeader header;
  LT_TRY(header.root.bytes, in.array<32>());
  LT_TRY(header.target.bytes, in.array<32>());
  LT_TRY(header.agency.bytes, in.array<32>());
  LT_TRY(header.node.bytes, in.array<32>());
  LT_TRY(header.certificate.bytes, in.array<32>());
  LT_TRY(const std::uint64_t at, in.u64());
  header.at = static_cast<UnixMillis>(at);
  if (std::ranges::find(roots_, header.root) == roots_.end())
    return Error(Errc::kNotAllowed,
                 "the bundle belongs to another deployment (root " + header.root.short_hex() + ")");
  root_ = header.root;
  head_hash_ = hash(kTagBundle, root_, head);
  Signature signature;
  std::ranges::copy(whole.last(kSignatureBytes), signature.begin());
  if (!verify(header.node, head_hash_.view(), signature).ok())
    return Error(Errc::kBadSignature,
                 "the bundle was changed on its way, or somebody else made it; ask for a new one");
  if (header.target != ours_)
    return Error(Errc::kNotAllowed, "the bundle is for another agency (" +
                                        header.target.short_hex() + "), not for this one");
  LT_TRY(const Key32 ephemeral, in.array<32>());
  LT_TRY(const std::uint64_t count, in.varint());
  if (count < 1 || count > kBundleRecipientCountMax)
    return Error(Errc::kTooLarge, "the recipients of the bundle");
  std::optional<Bytes> file_key;
  for (std::uint64_t i = 0; i < count; ++i) {
    NodeId node;
    LT_TRY(node.bytes, in.array<32>());
    LT_TRY(const ByteView wrapped, in.raw(kWrappedBytes));
    if (node != node_) continue;
    LT_TRY(const Key32 wrap, wrapping_key(root_, key_, ephemeral, ephemeral, key_.public_key()));
    file_key = unseal(wrap, 0, node.view(), wrapped);
  }
  LT_TRY_VOID(in.finish("the head of a bundle"));
  if (!file_key || file_key->size() != file_key_.size())
    return Error(Errc::kNotAllowed,
                 "the bundle is not sealed to this machine: it was exported before the other side "
                 "knew of it; ask for a new one");
  std::ranges::copy(*file_key, file_key_.begin());
  sodium_memzero(file_key->data(), file_key->size());
  header_ = header;
  return {};
}

Result<std::optional<BundleRecord>> BundleReader::read_record() {
  while (!complete_ && buffer_.size() >= 4) {
    ByteReader in(buffer_);
    LT_TRY(const std::uint32_t size, in.u32());
    if (size > kRecordBytesMax + kTagBytes || size <= kTagBytes + kSignatureBytes)
      return Error(Errc::kMalformed,
                   "the bundle is damaged after record " + std::to_string(count_));
    if (in.rest().size() < size) break;
    const auto body = unseal(file_key_, count_ + 1, head_hash_.view(), in.rest().first(size));
    if (!body)
      return Error(Errc::kMalformed,
                   "the bundle is damaged after record " + std::to_string(count_));
    ++count_;
    const ByteView content = ByteView(*body).first(body->size() - kSignatureBytes);
    Signature signature;
    std::ranges::copy(ByteView(*body).last(kSignatureBytes), signature.begin());
    const Hash256 signs = record_hash(root_, head_hash_, count_, content);
    if (!verify_known(header_->node, signs.view(), signature).ok())
      return Error(Errc::kBadSignature, "record " + std::to_string(count_) +
                                            " of the bundle is not by who signed its head");
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(4 + size));
    LT_TRY(auto record, decode_bundle_record(content));
    if (!record) continue;
    complete_ = std::holds_alternative<BundleEnd>(*record);
    if (complete_ && !buffer_.empty())
      return Error(Errc::kOutOfOrder, "bytes after the end of the bundle");
    return record;
  }
  return std::optional<BundleRecord>();
}

}  // namespace lienthong
