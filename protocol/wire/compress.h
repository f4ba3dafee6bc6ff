// Messages made small: one by itself against a dictionary, or a backlog as one stream.
// docs/protocol/parts.md, "Compression". zstd (RFC 8878), frames without magic number, checksum,
// dictionary number and content size. Threads: one for each object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "protocol/base/bytes.h"
#include "protocol/base/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;
struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

namespace lienthong::wire {

// Window of a backlog, and so most of what either side must keep for it. On the wire.
inline constexpr int kBacklogWindowLog = 17;
inline constexpr int kBacklogTableLogMax = 17;
// What a deflater of a backlog may take; a test measures it.
inline constexpr std::size_t kBacklogDeflaterBytesMax = 3 * 1024 * 1024;

// Most bytes that `packed` bytes may inflate to: kInflateRatioMax times, kMessageBytesMax at most.
std::size_t inflated_max(std::size_t packed);

struct FreeZstd {
  void operator()(ZSTD_CCtx_s* context) const;
  void operator()(ZSTD_DCtx_s* context) const;
  void operator()(ZSTD_CDict_s* dictionary) const;
  void operator()(ZSTD_DDict_s* dictionary) const;
};

// ---- one message by itself ----

// Keeps its tables: some 1 MB with a dictionary, shared by all sessions of a thread.
class MessageDeflater {
 public:
  // `dictionary`: a number of dictionary.h, 0: none (LT_CHECK).
  explicit MessageDeflater(std::uint32_t dictionary);
  // `dense`: so many bytes at the end are not worth compressing. nullopt: it does not get smaller,
  // or so much smaller that a reader would not take it.
  std::optional<Bytes> deflate(ByteView message, std::size_t dense = 0);

 private:
  std::unique_ptr<ZSTD_CDict_s, FreeZstd> dictionary_;
  std::unique_ptr<ZSTD_CCtx_s, FreeZstd> context_;
};

class MessageInflater {
 public:
  explicit MessageInflater(std::uint32_t dictionary);
  // Fails: kMalformed (not one whole frame), kTooLarge (over inflated_max).
  Result<Bytes> inflate(ByteView packed);

 private:
  std::unique_ptr<ZSTD_DDict_s, FreeZstd> dictionary_;
  std::unique_ptr<ZSTD_DCtx_s, FreeZstd> context_;
};

// ---- a backlog ----

// By what the link was measured to carry: 3 above 4 Mbit/s, 9 above 256 kbit/s, else 12.
int backlog_level(std::uint64_t bits_per_second);

class BacklogDeflater {
 public:
  BacklogDeflater(int level, std::uint32_t dictionary);
  // The message as the next bytes of the stream, whole: the reader can inflate it at once.
  // nullopt: so small that no reader would take it; the stream is spoilt: drop it, send the message
  // as it is, and begin another.
  std::optional<Bytes> deflate(ByteView message, std::size_t dense = 0);
  std::size_t memory() const;

 private:
  std::unique_ptr<ZSTD_CCtx_s, FreeZstd> context_;
};

class BacklogInflater {
 public:
  explicit BacklogInflater(std::uint32_t dictionary);
  // The message that these bytes are, in the order in which they were deflated. Fails, and is of no
  // use afterwards: kMalformed, kTooLarge (over inflated_max; a window over the backlog's).
  Result<Bytes> inflate(ByteView packed);

 private:
  std::unique_ptr<ZSTD_DDict_s, FreeZstd> dictionary_;
  std::unique_ptr<ZSTD_DCtx_s, FreeZstd> context_;
};

}  // namespace lienthong::wire
