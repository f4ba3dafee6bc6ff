#include "protocol/wire/fragment.h"

#include "protocol/base/limits.h"

namespace lienthong::wire {
namespace {

constexpr std::uint8_t kLaneMask = 7;
constexpr std::uint8_t kLast = 8;
constexpr unsigned kPackingShift = 4;
constexpr std::uint8_t kPackingMask = 3 << kPackingShift;
constexpr std::uint8_t kFlagsKnown = kLaneMask | kLast | kPackingMask;

static_assert(kPlaintextBytesMax + 16 == kFrameBytesMax);

}  // namespace

std::vector<Bytes> split_message(const Packed& packed, std::size_t piece_bytes) {
  LT_CHECK(piece_bytes >= 2 && piece_bytes <= kPlaintextBytesMax);
  LT_CHECK(!packed.bytes.empty() && packed.bytes.size() <= kMessageBytesMax);
  ByteView left = packed.bytes;
  std::vector<Bytes> plaintexts;
  while (!left.empty()) {
    const ByteView piece = left.first(std::min(left.size(), piece_bytes - 1));
    left = left.subspan(piece.size());
    Bytes plaintext;
    plaintext.reserve(piece.size() + 1);
    plaintext.push_back(
        static_cast<std::uint8_t>(static_cast<unsigned>(packed.lane) | (left.empty() ? kLast : 0U) |
                                  static_cast<unsigned>(packed.packing) << kPackingShift));
    plaintext.insert(plaintext.end(), piece.begin(), piece.end());
    plaintexts.push_back(std::move(plaintext));
  }
  return plaintexts;
}

Result<std::optional<Packed>> Assembler::add(ByteView plaintext) {
  if (plaintext.empty()) return Error(Errc::kTruncated, "frame without flags");
  const std::uint8_t flags = plaintext[0];
  const ByteView piece = plaintext.subspan(1);
  const std::size_t lane = flags & kLaneMask;
  if ((flags & ~kFlagsKnown) != 0) return Error(Errc::kMalformed, "flags of a frame");
  if (lane >= kLaneCount) return Error(Errc::kMalformed, "lane of a frame");
  if (piece.empty()) return Error(Errc::kMalformed, "frame of no bytes");
  const auto packing = static_cast<Packing>((flags & kPackingMask) >> kPackingShift);
  std::optional<Packed>& half = halves_[lane];
  if (!half) half = Packed{static_cast<Lane>(lane), packing, {}};
  if (half->packing != packing) return Error(Errc::kMalformed, "pieces that disagree");
  if (piece.size() > kMessageBytesMax - half->bytes.size()) {
    return Error(Errc::kTooLarge, "half-received message");
  }
  half->bytes.insert(half->bytes.end(), piece.begin(), piece.end());
  if ((flags & kLast) == 0) return std::optional<Packed>();
  return std::exchange(half, std::nullopt);
}

}  // namespace lienthong::wire
