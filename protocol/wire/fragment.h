// Messages cut into the plaintexts of frames, and put together again. docs/protocol.md, "Frames".
//
// A plaintext is one byte of flags (bits 0 to 2: lane; bit 3: last of its message; bit 4:
// compressed; the others zero) and a piece of the message. Pieces of different lanes may alternate.
// A message of more than 1 KiB is one zstd frame if that is smaller. Threads: none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/base/bytes.h"

namespace lienthong::wire {

enum class Lane : std::uint8_t {  // on the wire: never change
  kControl = 0,                   // control, registry, receipts
  kCustody = 1,
  kUpdates = 2,
  kHistory = 3,
  kBlobs = 4,
};
inline constexpr std::size_t kLaneCount = 5;
inline constexpr std::size_t kCompressBytesMin = 1024;
inline constexpr std::size_t kPlaintextBytesMax = 65'535 - 16;  // a Noise message less its tag

// `message`: 1 to kMessageBytesMax bytes (LT_CHECK).
std::vector<Bytes> split_message(Lane lane, ByteView message);

// Holds at most one message per lane half received, each of at most kMessageBytesMax bytes.
class Assembler {
 public:
  // The message that this plaintext completes, if any. Fails (final): kTruncated (no flags),
  // kMalformed (unknown flags or lane, a piece of no bytes, pieces that disagree, bad zstd),
  // kTooLarge (over kMessageBytesMax or, inflated, over kInflateRatioMax times its bytes).
  Result<std::optional<Bytes>> add(ByteView plaintext);

 private:
  struct Half {
    Bytes bytes;
    bool compressed;
  };
  std::array<std::optional<Half>, kLaneCount> halves_;
};

}  // namespace lienthong::wire
