// Theme "compression": messages alone, with the dictionary and without, and a backlog's stream.
// What our zstd makes of a message is an example; what a frame inflates to is not.
#include <sodium/crypto_generichash.h>

#include "protocol/base/limits.h"
#include "protocol/wire/compress.h"
#include "protocol/wire/dictionary.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"
#include "tests/unit/docs_vectors_dossiers.h"

namespace lienthong::vectors {
namespace {

void alone(const std::string& name, std::uint32_t dictionary, const Bytes& message,
           std::size_t dense, Theme& out) {
  wire::MessageDeflater deflater(dictionary);
  out.example(name, deflater.deflate(message, dense).value(), [&](ByteView packed) {
    wire::MessageInflater inflater(dictionary);
    const auto plain = inflater.inflate(packed);
    return plain.ok() && *plain == message;
  });
}

// A frame put together by hand: a descriptor of the frame and of its window, one raw block.
void by_hand(Theme& out) {
  const Bytes message = wire::encode_message(wire::LanesMessage{0x1e, 0, "disk full"});
  ByteWriter frame;
  frame.u8(0);     // no content size, dictionary id, checksum; a window follows
  frame.u8(0x08);  // of 2 KiB
  const auto header = static_cast<std::uint32_t>(message.size() << 3 | 1);  // last, raw
  for (unsigned i = 0; i < 3; ++i) frame.u8(static_cast<std::uint8_t>(header >> (8 * i)));
  frame.raw(message);
  wire::MessageInflater inflater(0);
  const auto plain = inflater.inflate(frame.bytes());
  LT_CHECK(plain.ok() && *plain == message);
  out.input("by_hand.frame", frame.bytes());
  out.result("by_hand.message", *plain);
}

// One vector for all of a stream: another zstd's next bytes do not follow behind this one's.
void stream(const std::vector<Bytes>& messages, const std::vector<std::size_t>& dense, Theme& out) {
  wire::BacklogDeflater deflater(9, 1);
  ByteWriter ours;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    out.input("stream.message." + std::to_string(i), messages[i]);
    ours.sized(deflater.deflate(messages[i], dense[i]).value());
  }
  out.example("stream.packed", ours.bytes(), [&](ByteView packed) {
    wire::BacklogInflater inflater(1);
    ByteReader in(packed);
    for (const Bytes& message : messages) {
      const auto next = in.sized(kMessageBytesMax);
      if (!next.ok()) return false;
      const auto plain = inflater.inflate(*next);
      if (!plain.ok() || *plain != message) return false;
    }
    return in.empty();
  });
}

}  // namespace

void compression(Theme& out) {
  const Example example;
  const ByteView dictionary = wire::dictionary(1);
  Hash256 hash;
  crypto_generichash(hash.bytes.data(), hash.bytes.size(), dictionary.data(), dictionary.size(),
                     nullptr, 0);
  out.result("dictionary.1.size", std::uint64_t{dictionary.size()});
  out.result("dictionary.1.hash", hash);
  by_hand(out);

  const Dossiers dossiers(example);
  FeedPart registry, created, later;
  registry.statements = example.statements;
  created.units = {dossiers.created};
  later.units = {dossiers.later};
  std::vector<Bytes> messages;
  std::vector<std::size_t> dense;
  std::uint64_t place = 1;
  for (FeedPart* part : {&registry, &created, &later}) {
    const FeedKind kind = part == &registry ? FeedKind::kRegistry : FeedKind::kUpdates;
    const std::uint64_t last = place + 4;
    part->epoch = kEpoch;
    part->covered = {{place, last, 0x99}};
    place = last + 1;
    const Bytes body = wire::encode_part_body(example.root, *part);
    messages.push_back(
        wire::encode_message(wire::PartMessage{kind, {kEpoch, part->covered, body}}));
    dense.push_back(wire::dense_tail(body));
  }
  out.input("alone.message", messages[0]);
  alone("alone.packed.1", 1, messages[0], dense[0], out);
  alone("alone.packed.0", 0, messages[0], dense[0], out);
  stream(messages, dense, out);
}

}  // namespace lienthong::vectors
