// The body of a part of a feed: units and statements, as messages and bundles carry them.
// docs/protocol/parts.md. Epoch and stretches are the message's.
//
// Everything that both sides know or can compute is left out: what is named is told by a place or a
// short prefix, parents and links by "where the record stands", roots of whole seals and hashes of
// closed parts are computed, bodies are columns. What comes out is what went in or, where the two
// sides do not hold the same, something that no seal covers: then the reader asks for the stretch
// with full names. Pure functions; no threads.
#pragma once

#include "protocol/base/result.h"
#include "protocol/feed/feed.h"
#include "protocol/record/root_of.h"
#include "protocol/wire/short_names.h"

namespace lienthong::wire {

// `root`: under which each certificate's are hashed; of one that is not known, it is taken for the
// pinned one. `names`: what can be named shortly; null: everything in full (bundles, after
// `unclear`, and while the other side's replica is not known). Counts must keep to the limits of
// the decoder, bodies to kPartRebuiltBytesMax in all (LT_CHECK on counts); the bytes may exceed
// kMessageBytesMax, which the caller compares.
Bytes encode_part_body(const RootOf& root, const FeedPart& part, const Names* names = nullptr);

// How many bytes at the end of a body are not worth compressing. 0 for what is no body.
std::size_t dense_tail(ByteView body);

// Whether names in it are short; false also for what is no body.
bool names_shortly(ByteView body);

// What the decoder computed of a unit on the way, and whoever stores it need not again.
struct UnitFacts {
  std::vector<UpdateId> ids;  // by leaf
  // By leaf: its closed hash was computed under that one.
  std::vector<std::optional<RecordSecret>> secrets;
  bool root_computed = false;  // from all leaves of the seal
};

// What a body holds.
struct PartBody {
  std::vector<SealedUnit> units;
  std::vector<Statement> statements;
  std::vector<UnitFacts> facts;  // by unit
};

// Form only: signatures, hashes and bodies are the store's to check.
// Fails: kTruncated; kTooLarge (over kMessageBytesMax, a count or length over its limit);
// kMalformed (flags, places outside a table, order of leaves or deps, bytes left);
// kUnclear (a short name leads nowhere here; `names` null and the body names shortly).
Result<PartBody> decode_part(const RootOf& root, ByteView body, const Names* names);
Result<FeedPart> decode_part_body(const RootOf& root, ByteView body, const Names* names = nullptr);

}  // namespace lienthong::wire
