#define ZSTD_STATIC_LINKING_ONLY  // for frames without a magic number
#include "protocol/wire/compress.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/wire/dictionary.h"

namespace lienthong::wire {
namespace {

constexpr int kMessageLevel = 12;
constexpr int kMessageWindowLog = 18;
static_assert((1U << kMessageWindowLog) >= kMessageBytesMax);

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  LT_CHECK(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0);
}
void set(ZSTD_DCtx* context, ZSTD_dParameter parameter, int value) {
  LT_CHECK(ZSTD_isError(ZSTD_DCtx_setParameter(context, parameter, value)) == 0);
}

void plain_frames(ZSTD_CCtx* context) {
  set(context, ZSTD_c_format, ZSTD_f_zstd1_magicless);
  set(context, ZSTD_c_contentSizeFlag, 0);
  set(context, ZSTD_c_checksumFlag, 0);
  set(context, ZSTD_c_dictIDFlag, 0);
}

// Everything of `in`, appended to `out`, as one block or more.
void compress(ZSTD_CCtx* context, ByteView in, ZSTD_EndDirective end, Bytes& out) {
  ZSTD_inBuffer source{in.data(), in.size(), 0};
  for (;;) {
    const std::size_t before = out.size();
    out.resize(before + ZSTD_compressBound(in.size() - source.pos) + 32);
    ZSTD_outBuffer target{out.data(), out.size(), before};
    const std::size_t left = ZSTD_compressStream2(context, &target, &source, end);
    LT_CHECK(ZSTD_isError(left) == 0);
    out.resize(target.pos);
    if (left == 0 && source.pos == source.size) return;
  }
}

// What is not worth compressing gets blocks of its own, so that it does not spoil the statistics of
// the rest; zstd stores them as they are.
Bytes compress_both(ZSTD_CCtx* context, ByteView message, std::size_t dense,
                    ZSTD_EndDirective end) {
  dense = std::min(dense, message.size());
  Bytes out;
  const ByteView worth = message.first(message.size() - dense);
  if (dense > 0 && !worth.empty()) compress(context, worth, ZSTD_e_flush, out);
  compress(context, dense > 0 ? message.last(dense) : worth, end, out);
  return out;
}

std::unique_ptr<ZSTD_DDict, FreeZstd> decoding_dictionary(std::uint32_t number) {
  if (number == 0) return nullptr;
  const ByteView bytes = dictionary(number);
  LT_CHECK(!bytes.empty());
  return std::unique_ptr<ZSTD_DDict, FreeZstd>(
      ZSTD_createDDict_byReference(bytes.data(), bytes.size()));
}

std::unique_ptr<ZSTD_DCtx, FreeZstd> decoding_context(const ZSTD_DDict* dictionary) {
  std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  LT_CHECK(context != nullptr);
  set(context.get(), ZSTD_d_format, ZSTD_f_zstd1_magicless);
  if (dictionary != nullptr)
    LT_CHECK(ZSTD_isError(ZSTD_DCtx_refDDict(context.get(), dictionary)) == 0);
  return context;
}

Error inflate_error(std::size_t code) {
  const bool large = ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge ||
                     ZSTD_getErrorCode(code) == ZSTD_error_dstSize_tooSmall;
  return Error(large ? Errc::kTooLarge : Errc::kMalformed,
               std::string("inflating: ") + ZSTD_getErrorName(code));
}

}  // namespace

void FreeZstd::operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
void FreeZstd::operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
void FreeZstd::operator()(ZSTD_CDict* dictionary) const { ZSTD_freeCDict(dictionary); }
void FreeZstd::operator()(ZSTD_DDict* dictionary) const { ZSTD_freeDDict(dictionary); }

std::size_t inflated_max(std::size_t packed) {
  return packed > kMessageBytesMax / kInflateRatioMax ? kMessageBytesMax
                                                      : packed * kInflateRatioMax;
}

// ---- one message by itself ----

MessageDeflater::MessageDeflater(std::uint32_t number) : context_(ZSTD_createCCtx()) {
  LT_CHECK(context_ != nullptr);
  plain_frames(context_.get());
  if (number != 0) {
    const ByteView bytes = dictionary(number);
    LT_CHECK(!bytes.empty());
    dictionary_.reset(ZSTD_createCDict_byReference(bytes.data(), bytes.size(), kMessageLevel));
    LT_CHECK(dictionary_ != nullptr);
  }
}

std::optional<Bytes> MessageDeflater::deflate(ByteView message, std::size_t dense) {
  LT_CHECK(!message.empty() && message.size() <= kMessageBytesMax);
  LT_CHECK(ZSTD_isError(ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only)) == 0);
  set(context_.get(), ZSTD_c_compressionLevel, kMessageLevel);
  set(context_.get(), ZSTD_c_windowLog, kMessageWindowLog);
  set(context_.get(), ZSTD_c_srcSizeHint, static_cast<int>(message.size()));
  if (dictionary_ != nullptr)
    LT_CHECK(ZSTD_isError(ZSTD_CCtx_refCDict(context_.get(), dictionary_.get())) == 0);
  Bytes out = compress_both(context_.get(), message, dense, ZSTD_e_end);
  if (out.size() >= message.size() || message.size() > inflated_max(out.size()))
    return std::nullopt;
  return out;
}

MessageInflater::MessageInflater(std::uint32_t dictionary)
    : dictionary_(decoding_dictionary(dictionary)), context_(decoding_context(dictionary_.get())) {}

Result<Bytes> MessageInflater::inflate(ByteView packed) {
  Bytes out(inflated_max(packed.size()));
  const std::size_t size =
      ZSTD_decompressDCtx(context_.get(), out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0) return inflate_error(size);
  if (size == 0) return Error(Errc::kMalformed, "inflates to nothing");
  out.resize(size);
  return out;
}

// ---- a backlog ----

int backlog_level(std::uint64_t bits_per_second) {
  if (bits_per_second > 4'000'000) return 3;
  return bits_per_second > 256'000 ? 9 : 12;
}

BacklogDeflater::BacklogDeflater(int level, std::uint32_t number) : context_(ZSTD_createCCtx()) {
  LT_CHECK(context_ != nullptr);
  plain_frames(context_.get());
  const ZSTD_compressionParameters usual = ZSTD_getCParams(level, 1U << kBacklogWindowLog, 0);
  set(context_.get(), ZSTD_c_compressionLevel, level);
  set(context_.get(), ZSTD_c_windowLog, kBacklogWindowLog);
  set(context_.get(), ZSTD_c_hashLog,
      std::min(static_cast<int>(usual.hashLog), kBacklogTableLogMax));
  set(context_.get(), ZSTD_c_chainLog,
      std::min(static_cast<int>(usual.chainLog), kBacklogTableLogMax));
  if (number == 0) return;
  const ByteView bytes = dictionary(number);
  LT_CHECK(!bytes.empty());
  LT_CHECK(ZSTD_isError(ZSTD_CCtx_loadDictionary_byReference(context_.get(), bytes.data(),
                                                             bytes.size())) == 0);
}

std::optional<Bytes> BacklogDeflater::deflate(ByteView message, std::size_t dense) {
  LT_CHECK(!message.empty() && message.size() <= kMessageBytesMax);
  Bytes out = compress_both(context_.get(), message, dense, ZSTD_e_flush);
  if (message.size() > inflated_max(out.size())) return std::nullopt;
  return out;
}

std::size_t BacklogDeflater::memory() const { return ZSTD_sizeof_CCtx(context_.get()); }

BacklogInflater::BacklogInflater(std::uint32_t dictionary)
    : dictionary_(decoding_dictionary(dictionary)), context_(decoding_context(dictionary_.get())) {
  set(context_.get(), ZSTD_d_windowLogMax, kBacklogWindowLog);
}

Result<Bytes> BacklogInflater::inflate(ByteView packed) {
  Bytes out(inflated_max(packed.size()) + 1);
  ZSTD_inBuffer source{packed.data(), packed.size(), 0};
  ZSTD_outBuffer target{out.data(), out.size(), 0};
  for (;;) {
    const std::size_t in_before = source.pos, out_before = target.pos;
    const std::size_t left = ZSTD_decompressStream(context_.get(), &target, &source);
    if (ZSTD_isError(left) != 0) return inflate_error(left);
    if (target.pos == target.size) return Error(Errc::kTooLarge, "inflated message");
    if (left == 0) return Error(Errc::kMalformed, "a backlog that ends");
    if (source.pos == in_before && target.pos == out_before) break;
  }
  if (source.pos != source.size || target.pos == 0)
    return Error(Errc::kMalformed, "a backlog's message that does not inflate");
  out.resize(target.pos);
  return out;
}

}  // namespace lienthong::wire
