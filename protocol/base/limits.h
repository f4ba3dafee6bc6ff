// Every length, count and depth that a peer controls. docs/protocol/limits.md lists them; a
// test compares the two. Bytes unless the name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lienthong {

// ---- on the wire and in verdicts: never change within a major version ----
inline constexpr std::size_t kOpenBytesMax = 32 * 1024;    // open part of an update
inline constexpr std::size_t kClosedBytesMax = 32 * 1024;  // closed part; a larger one is not kept
inline constexpr std::size_t kParentCountMax = 16;
inline constexpr std::size_t kSealUpdateCountMax = 256;
inline constexpr std::size_t kStatementBytesMax = 64 * 1024;
inline constexpr std::size_t kAncestorCountMax = 10'000;  // of one agency's updates in a record
inline constexpr std::size_t kReferenceCountMax = 256;
inline constexpr std::size_t kTextBytesMax = 32 * 1024;  // one text value
inline constexpr std::size_t kActionBytesMax = 64;       // code of what was done
inline constexpr std::size_t kChainDepthMax = 10'000;    // links of one record
inline constexpr std::size_t kChunkBytes = 64 * 1024;    // of a blob; its last chunk may be shorter
inline constexpr std::uint64_t kBlobBytesMax = 1ULL << 30;
inline constexpr std::size_t kBlobProofCountMax = 14;  // hashes that prove one chunk
// Statements under a certificate by the root and all that go back to it; each issue further an
// eighth of it. Each statement counts with its body and the second; of the body of a revocation or
// closing, which is as long as its machine's life, one part of the third.
inline constexpr std::uint64_t kIssuedBytesMax = 32ULL << 20;
inline constexpr std::uint64_t kStatementExtraBytes = 1024;
inline constexpr std::uint64_t kIssuedCutsShare = 8;

// ---- one program's own bounds: may differ between programs ----
inline constexpr std::size_t kPenEntryCountMax = 16'384;  // updates waiting for something
// Of them, brought by neighbours whose certificates go back to one of the root's; each issue
// further a quarter of it, down to the second.
inline constexpr std::size_t kPenShareCountMax = 8'192;
inline constexpr std::size_t kPenShareCountMin = 512;
inline constexpr std::size_t kPenUnknownCountMax = 256;    // whose sealer's certificate is not here
inline constexpr std::size_t kPenRevokedCountMax = 1'024;  // under one certificate that is revoked
inline constexpr std::size_t kWaitingStatementCountMax = 1'024;
inline constexpr std::size_t kWaitingStatementShareMax = 256;  // of them, from one neighbour
inline constexpr std::size_t kRefusedCountMax = 10'000;        // quarantine keeps the newest
inline constexpr std::size_t kFrameBytesMax = 65'535;          // ciphertext of a Noise message
inline constexpr std::size_t kMessageBytesMax = 256 * 1024;    // a unit's plaintext
inline constexpr std::size_t kInflateRatioMax = 100;
inline constexpr std::size_t kHelloBytesMax = 16 * 1024;
inline constexpr std::size_t kCursorRangeCountMax = 64;
inline constexpr std::uint64_t kTraversalWordsMax = kStatementBytesMax;
inline constexpr int kNestingDepthMax = 16;
inline constexpr std::size_t kPartUpdateCountMax = 8'192;
inline constexpr std::size_t kPartColumnCountMax = 256;
inline constexpr std::size_t kPartRebuiltBytesMax = 4 * 1024 * 1024;  // bodies out of one part
inline constexpr std::size_t kHealEntryCountMin = 257;  // smaller feeds are sent from their start
inline constexpr std::size_t kHealSymbolCountMin = 64;  // or twice the smaller feed
inline constexpr std::size_t kHealSymbolCountMax = 524'288;
inline constexpr std::size_t kHealWantCountMax = 8'192;       // ids in one message
inline constexpr std::size_t kBlobRangeCountMax = 64;         // ranges of chunks in one question
inline constexpr std::size_t kBlobWantCountMax = 16;          // questions not answered, each way
inline constexpr std::size_t kBlobWindowChunks = 4;           // asked for and not yet stored
inline constexpr std::size_t kBlobPieceBytesMax = 16 * 1024;  // of a chunk, in one message
inline constexpr std::size_t kBundleRecipientCountMax = 64;
inline constexpr std::size_t kUpholdsByItself =
    16;  // a desk's, in force in a record; then one a day

}  // namespace lienthong
