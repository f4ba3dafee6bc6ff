#include "protocol/sync/healing_wire.h"

#include "protocol/base/limits.h"
#include "protocol/wire/columns_coder.h"

namespace lienthong::heal {
namespace {

constexpr std::uint64_t kCountMax = 1ULL << 40;  // entries of a feed
constexpr std::uint8_t kCursorLost = 1;
constexpr std::uint8_t kAtOnce = 2;
constexpr std::uint8_t kKnown = 2;
constexpr std::uint8_t kLast = 1;
constexpr std::uint8_t kShortIdBitsMax = 48;

struct Encoder {
  ByteWriter& out;

  void flags(bool first, bool second = false) const {
    out.u8(static_cast<std::uint8_t>((first ? 1 : 0) | (second ? 2 : 0)));
  }
  void operator()(const Ask& ask) const {
    flags(ask.cursor_lost, ask.at_once);
    out.varint(ask.count);
    out.raw(ask.sum);
    out.u64(ask.nonce);
  }
  void operator()(const Equal& equal) const {
    flags(equal.cursor_lost, equal.known);
    out.varint(equal.count);
  }
  void operator()(const Busy&) const {}
  void operator()(const Differ& differ) const {
    flags(differ.cursor_lost);
    out.varint(differ.count);
    out.raw(differ.sum);
    out.u64(differ.nonce);
    out.varint(differ.symbol_count);
  }
  void operator()(const Symbols& symbols) const {
    out.varint(symbols.first);
    out.varint(symbols.count);
    out.raw(symbols.body);
  }
  void operator()(const More& more) const { out.varint(more.symbol_count); }
  void operator()(const Want& want) const {
    LT_CHECK(want.beginnings.size() <= kHealWantCountMax);
    flags(want.last);
    out.u8(want.bits);
    out.varint(want.beginnings.size());
    wire::RangeEncoder coder;
    wire::NumberModel gaps;
    ShortId next = 0;
    for (const ShortId each : want.beginnings) {
      gaps.encode(coder, each - next);
      next = each + 1;
    }
    out.raw(coder.finish());
  }
  void operator()(const Part& part) const { out.raw(part.body); }
  void operator()(const Stored& stored) const { out.varint(stored.parts); }
  void operator()(const Done& done) const {
    out.u64(done.mark.epoch);
    out.varint(done.mark.number);
    out.u64(done.mark.hash);
  }
  void operator()(const Stop&) const {}
  void operator()(const Unclear&) const {}
  void operator()(const Again& again) const {
    flags(again.last);
    out.raw(again.body);
  }
};

Result<std::uint64_t> count(ByteReader& in, std::uint64_t most = kCountMax) {
  LT_TRY(const std::uint64_t value, in.varint());
  if (value > most) return Error(Errc::kTooLarge, "count in a healing message");
  return value;
}

Result<std::uint8_t> flags(ByteReader& in, std::uint8_t known) {
  LT_TRY(const std::uint8_t value, in.u8());
  if ((value & ~known) != 0) return Error(Errc::kMalformed, "flags of a healing message");
  return value;
}

Result<Content> ask(ByteReader& in) {
  Ask out;
  LT_TRY(const std::uint8_t bits, flags(in, kCursorLost | kAtOnce));
  out.cursor_lost = (bits & kCursorLost) != 0;
  out.at_once = (bits & kAtOnce) != 0;
  LT_TRY(out.count, count(in));
  LT_TRY(out.sum, in.array<16>());
  LT_TRY(out.nonce, in.u64());
  return Content(out);
}

Result<Content> equal(ByteReader& in) {
  Equal out;
  LT_TRY(const std::uint8_t bits, flags(in, kCursorLost | kKnown));
  out.cursor_lost = (bits & kCursorLost) != 0;
  out.known = (bits & kKnown) != 0;
  LT_TRY(out.count, count(in));
  return Content(out);
}

Result<Content> differ(ByteReader& in) {
  Differ out;
  LT_TRY(const std::uint8_t bits, flags(in, kCursorLost));
  out.cursor_lost = bits != 0;
  LT_TRY(out.count, count(in));
  LT_TRY(out.sum, in.array<16>());
  LT_TRY(out.nonce, in.u64());
  LT_TRY(out.symbol_count, count(in));
  return Content(out);
}

Result<Content> symbols(ByteReader& in) {
  Symbols out;
  LT_TRY(out.first, count(in));
  LT_TRY(out.count, count(in));
  LT_TRY(const ByteView body, in.raw(in.rest().size()));
  if (out.count == 0 || out.count > body.size()) return Error(Errc::kMalformed, "coded symbols");
  out.body = to_bytes(body);
  return Content(std::move(out));
}

Result<Content> want(ByteReader& in) {
  Want out;
  LT_TRY(const std::uint8_t bits, flags(in, kLast));
  out.last = bits != 0;
  LT_TRY(out.bits, in.u8());
  if (out.bits == 0 || out.bits > kShortIdBitsMax)
    return Error(Errc::kMalformed, "bits of short ids");
  LT_TRY(const std::uint64_t size, count(in, kHealWantCountMax));
  LT_TRY(const ByteView coded, in.raw(in.rest().size()));
  wire::RangeDecoder coder(coded);
  wire::NumberModel gaps;
  const ShortId end = ShortId{1} << out.bits;
  ShortId next = 0;
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t gap = gaps.decode(coder);
    if (!coder.sound() || gap >= end - next) return Error(Errc::kMalformed, "short ids");
    out.beginnings.push_back(next + gap);
    next = out.beginnings.back() + 1;
  }
  if (!coder.finished()) return Error(Errc::kMalformed, "short ids");
  return Content(std::move(out));
}

Result<Content> done(ByteReader& in) {
  Done out;
  LT_TRY(out.mark.epoch, in.u64());
  LT_TRY(out.mark.number, count(in));
  LT_TRY(out.mark.hash, in.u64());
  if (out.mark.number == 0 && out.mark.hash != 0)
    return Error(Errc::kMalformed, "a feed's end at 0 with a hash");
  return Content(out);
}

Result<Content> part(ByteReader& in) {
  LT_TRY(const ByteView body, in.raw(in.rest().size()));
  return Content(Part{to_bytes(body)});
}

Result<Content> again(ByteReader& in) {
  LT_TRY(const std::uint8_t bits, flags(in, kLast));
  LT_TRY(const ByteView body, in.raw(in.rest().size()));
  if (body.empty() && bits == 0) return Error(Errc::kMalformed, "nothing, and more of it");
  return Content(Again{bits != 0, to_bytes(body)});
}

Result<Content> content(std::uint8_t type, ByteReader& in) {
  switch (type) {  // the place in Content: on the wire, never change
    case 0: return ask(in);
    case 1: return equal(in);
    case 2: return Content(Busy{});
    case 3: return differ(in);
    case 4: return symbols(in);
    case 5: {
      LT_TRY(const std::uint64_t more, count(in));
      return Content(More{more});
    }
    case 6: return want(in);
    case 7: return part(in);
    case 8: {
      LT_TRY(const std::uint64_t parts, count(in));
      return Content(Stored{parts});
    }
    case 9: return done(in);
    case 10: return Content(Stop{});
    case 11: return Content(Unclear{});
    case 12: return again(in);
    default: return Error(Errc::kMalformed, "type of a healing message");
  }
}

}  // namespace

Bytes encode_body(const Body& body) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(body.content.index()));
  out.u8(static_cast<std::uint8_t>(body.kind));
  out.u8(body.run);
  std::visit(Encoder{out}, body.content);
  return out.take();
}

Result<Body> decode_body(ByteView bytes) {
  ByteReader in(bytes);
  Body body;
  LT_TRY(const std::uint8_t type, in.u8());
  LT_TRY(const std::uint8_t kind, in.u8());
  if (kind > 1) return Error(Errc::kMalformed, "feed kind of a healing message");
  body.kind = static_cast<FeedKind>(kind);
  LT_TRY(body.run, in.u8());
  LT_TRY(body.content, content(type, in));
  LT_TRY_VOID(in.finish("healing message"));
  return body;
}

}  // namespace lienthong::heal
