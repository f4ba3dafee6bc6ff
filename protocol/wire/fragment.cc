#include "protocol/wire/fragment.h"

#include <zstd.h>

#include "protocol/wire/limits.h"

namespace lienthong::wire {
namespace {

constexpr std::uint8_t kLaneMask = 7;
constexpr std::uint8_t kLast = 8;
constexpr std::uint8_t kCompressed = 16;
constexpr std::uint8_t kFlagsKnown = kLaneMask | kLast | kCompressed;
constexpr int kLevel = 3;

static_assert(kPlaintextBytesMax + 16 == kFrameBytesMax);

// nullopt: not smaller, or so much smaller that the reader would not inflate it.
std::optional<Bytes> deflate(ByteView message) {
  Bytes out(ZSTD_compressBound(message.size()));
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), message.data(), message.size(), kLevel);
  if (ZSTD_isError(size) != 0 || size >= message.size()) return std::nullopt;
  if (message.size() > kInflateRatioMax * size) return std::nullopt;
  out.resize(size);
  return out;
}

Result<Bytes> inflate(ByteView packed) {
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size == 0) {
    return Error(Errc::kMalformed, "zstd frame without its size");
  }
  if (size > kMessageBytesMax || size > kInflateRatioMax * packed.size()) {
    return Error(Errc::kTooLarge, "inflated message");
  }
  if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) {
    return Error(Errc::kMalformed, "not one whole zstd frame");
  }
  Bytes out(static_cast<std::size_t>(size));
  const std::size_t written = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(written) != 0 || written != out.size()) {
    return Error(Errc::kMalformed, "zstd frame does not inflate");
  }
  return out;
}

}  // namespace

std::vector<Bytes> split_message(Lane lane, ByteView message) {
  LT_CHECK(!message.empty() && message.size() <= kMessageBytesMax);
  std::optional<Bytes> packed;
  if (message.size() > kCompressBytesMin) packed = deflate(message);
  ByteView left = packed ? ByteView(*packed) : message;
  std::vector<Bytes> plaintexts;
  while (!left.empty()) {
    const ByteView piece = left.first(std::min(left.size(), kPlaintextBytesMax - 1));
    left = left.subspan(piece.size());
    Bytes plaintext;
    plaintext.reserve(piece.size() + 1);
    plaintext.push_back(static_cast<std::uint8_t>(
        static_cast<unsigned>(lane) | (left.empty() ? kLast : 0U) | (packed ? kCompressed : 0U)));
    plaintext.insert(plaintext.end(), piece.begin(), piece.end());
    plaintexts.push_back(std::move(plaintext));
  }
  return plaintexts;
}

Result<std::optional<Bytes>> Assembler::add(ByteView plaintext) {
  if (plaintext.empty()) return Error(Errc::kTruncated, "frame without flags");
  const std::uint8_t flags = plaintext[0];
  const ByteView piece = plaintext.subspan(1);
  const std::size_t lane = flags & kLaneMask;
  if ((flags & ~kFlagsKnown) != 0) return Error(Errc::kMalformed, "flags of a frame");
  if (lane >= kLaneCount) return Error(Errc::kMalformed, "lane of a frame");
  if (piece.empty()) return Error(Errc::kMalformed, "frame of no bytes");
  const bool compressed = (flags & kCompressed) != 0;
  std::optional<Half>& half = halves_[lane];
  if (!half) half = Half{{}, compressed};
  if (half->compressed != compressed) return Error(Errc::kMalformed, "pieces that disagree");
  if (piece.size() > kMessageBytesMax - half->bytes.size()) {
    return Error(Errc::kTooLarge, "half-received message");
  }
  half->bytes.insert(half->bytes.end(), piece.begin(), piece.end());
  if ((flags & kLast) == 0) return std::optional<Bytes>();
  Bytes whole = std::move(half->bytes);
  half.reset();
  if (!compressed) return std::optional<Bytes>(std::move(whole));
  LT_TRY(Bytes inflated, inflate(whole));
  return std::optional<Bytes>(std::move(inflated));
}

}  // namespace lienthong::wire
