// A bundle: sealed updates in a file, to be carried by hand. docs/protocol/bundles.md.
//
// The file is signed by the node that exports it and can be read by the believed nodes of one
// agency; anyone may carry it. After the header come records, each whole or ignored, so a file
// that was cut gives what is whole. What the records say about places in feeds is signed too.
// Pure: randomness is an argument. Threads: none.
#pragma once

#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "protocol/base/instant.h"
#include "protocol/crypto/keys.h"
#include "protocol/feed/feed.h"

namespace lienthong {

struct BundleRecipient {
  NodeId node;
  std::array<std::uint8_t, 32> dh_key{};
};

struct BundleHeader {
  RootFingerprint root;
  AgencyId target;
  AgencyId agency;            // of the exporter
  NodeId node;                // the exporter, who signs
  CertificateId certificate;  // of that node, under which it speaks
  UnixMillis at = 0;
};

// ---- records ----

struct BundlePart {  // a stretch of the exporter's feed for the target; names in full
  FeedKind kind = FeedKind::kUpdates;
  EncodedPart part;
  bool operator==(const BundlePart&) const = default;
};
struct BundleReceipt {  // what the exporter durably has of that node's feed for its agency
  FeedKind kind = FeedKind::kUpdates;
  NodeId writer;
  Cursor cursor;
  bool operator==(const BundleReceipt&) const = default;
};
struct BundleEnd {  // the last record: the file is whole
  std::uint64_t parts = 0;
  bool operator==(const BundleEnd&) const = default;
};
using BundleRecord = std::variant<BundlePart, BundleReceipt, BundleEnd>;

class BundleWriter {
 public:
  // `recipients`: 1 to kBundleRecipientCountMax (LT_CHECK). `file_key` and `ephemeral`: fresh and
  // random, for this file alone. kMalformed: a recipient's key is of small order.
  static Result<BundleWriter> create(const BundleHeader& header,
                                     const std::vector<BundleRecipient>& recipients,
                                     const SigningKey& key, const Seed& file_key,
                                     const Seed& ephemeral);
  // The bytes that the file begins with.
  const Bytes& head() const { return head_; }
  // The next bytes of it. kTooLarge: a part over kMessageBytesMax.
  Result<Bytes> add(const BundleRecord& record);

 private:
  BundleWriter(const BundleHeader& header, const SigningKey& key, const Seed& file_key)
      : root_(header.root), key_(key), file_key_(file_key) {}
  RootFingerprint root_;
  SigningKey key_;
  Seed file_key_;
  Hash256 head_hash_;
  Bytes head_;
  std::uint64_t count_ = 0;
};

// Takes a file in pieces, cut anywhere.
class BundleReader {
 public:
  BundleReader(const RootFingerprint& root, const AgencyId& ours, const NodeId& node, DhKey key)
      : BundleReader(std::vector{root}, ours, node, std::move(key)) {}
  // The bundle may go by any of those roots.
  BundleReader(std::vector<RootFingerprint> roots, const AgencyId& ours, const NodeId& node,
               DhKey key)
      : roots_(std::move(roots)), ours_(ours), node_(node), key_(std::move(key)) {}

  // The next record that is whole, having taken `bytes` in; nullopt: more bytes are needed. Call
  // with nothing until it gives nullopt. Fails (final): kMalformed (no bundle, or damaged),
  // kBadVersion, kNotAllowed (another deployment, agency or machine: says which), kBadSignature,
  // kTooLarge, kOutOfOrder (bytes after the end).
  Result<std::optional<BundleRecord>> next(ByteView bytes);
  // Once the head was read: its signature is good; whether its node is believed is the caller's to
  // ask.
  const std::optional<BundleHeader>& header() const { return header_; }
  bool complete() const { return complete_; }  // the end was seen
  std::uint64_t records() const { return count_; }

 private:
  Result<bool> read_head();
  Result<void> open_head(ByteView head, ByteView whole);
  Result<std::optional<BundleRecord>> read_record();

  std::vector<RootFingerprint> roots_;
  RootFingerprint root_;  // the bundle's
  AgencyId ours_;
  NodeId node_;
  DhKey key_;
  Bytes buffer_;
  std::optional<BundleHeader> header_;
  Seed file_key_{};
  Hash256 head_hash_;
  std::uint64_t count_ = 0;
  bool complete_ = false;
};

}  // namespace lienthong
