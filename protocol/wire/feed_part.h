// The bytes of a stretch of a feed: what messages and bundles carry. docs/protocol.md, "Feed part".
//
// Certificates, records and updates that are named more than once are written once: each kind has a
// table that both sides grow in the same way while they go through the part, and a name is either
// new (written out, and entered) or a place in the table, counted from its end. The ids of updates
// in the part enter the tables as they pass, so a parent inside the part costs a byte.
// Pure functions; no threads.
#pragma once

#include "protocol/base/result.h"
#include "protocol/sync/feed.h"

namespace lienthong::wire {

inline constexpr std::uint64_t kFeedNumberMax = 1ULL << 62;

// `part` must keep to the limits of the decoder (LT_CHECK on counts); bytes may exceed
// kMessageBytesMax, which the caller compares.
Bytes encode_feed_part(const RootFingerprint& root, const FeedPart& part);

// Exactly what was encoded. Form only: signatures, hashes and bodies are the store's to check.
// Fails: kTruncated; kTooLarge (over kMessageBytesMax, a count or a length over its limit);
// kMalformed (first or last, flags, places outside the table, order of leaves or deps, bytes left).
Result<FeedPart> decode_feed_part(const RootFingerprint& root, ByteView bytes);

}  // namespace lienthong::wire
