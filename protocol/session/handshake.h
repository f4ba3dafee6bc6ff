// The beginning of a session: preamble, Noise messages with the two hellos as payloads, and the
// first judgement of who the other side is. docs/protocol/transport.md.
//
// Initiator to responder: version u8, pattern u8, then framed Noise messages (u16 length ‖ bytes).
// Responder to initiator: version u8 (the one asked for), then framed messages; or, if it does not
// speak that version, 0, highest, lowest, and nothing more. Prologue: the initiator's two bytes ‖
// the root's fingerprint. Threads: none.
//
// With several roots the prologue names that of the dialled machine's certificate, or else the
// dialler's own; the responder takes every root that is here. IK: it tries them. XX: the first
// message's payload, which nobody has to read, names it.
#pragma once

#include <optional>

#include "protocol/session/hello.h"
#include "protocol/sync/replica_view.h"

namespace lienthong {

struct HandshakeOutcome {
  NoiseHandshake::Transport transport;
  Hello peer;
  Speaker speaker;
  Judgement judgement;           // kReplay included, where the peer is known already
  bool credentials_due = false;  // the peer needs ours first
  HandshakeOutcome(NoiseHandshake::Transport t, Hello h, const Speaker& s, Judgement j)
      : transport(std::move(t)), peer(std::move(h)), speaker(s), judgement(std::move(j)) {}
};

// Who writes our hellos. `judgement`: null where nothing can be known of the peer yet; `peer`: its
// hello, null where ours goes first.
class HelloWriter {
 public:
  virtual ~HelloWriter() = default;
  virtual Hello write_hello(const Judgement* judgement, const Hello* peer) = 0;
};

// kReplay unless `number` is above the last one seen from that node.
Rejection judge_number(const SessionConfig& config, const NodeId& node, std::uint64_t number);

class Handshake {
 public:
  // `config.root` becomes the one that the dialler named.
  Handshake(const ReplicaView& view, SessionConfig& config, HelloWriter& writer);
  void start_dialling();  // initiator: writes the first message

  // Takes one piece (preamble or message) from the front of `in` and returns its size; 0: not whole
  // yet. Fails (final): see failure(). Not to be called after outcome() is there.
  Result<std::size_t> consume(ByteView in);
  CloseCode failure() const { return failure_; }  // of the last error
  // To be sent, also after a failure. A responder's version byte waits for its first message, so
  // that it is no packet of its own.
  Bytes take_output();
  std::optional<HandshakeOutcome>& outcome() { return outcome_; }

 private:
  Error fail(CloseCode code, Error error);
  Result<std::size_t> consume_preamble(ByteView in);
  Result<void> read_message(ByteView message);
  Result<Bytes> read_first(ByteView message);
  Result<void> read_as_initiator(ByteView payload);
  Result<void> read_as_responder(ByteView payload);
  Result<void> start(NoisePattern pattern);
  Result<void> write(ByteView payload);
  Result<Hello> read_hello(ByteView payload);
  Speaker speaker_of(const Hello& hello) const;
  Judgement judge_answer(const Hello& hello) const;
  void finish(Hello peer, Judgement judgement);

  const ReplicaView& view_;
  SessionConfig& config_;
  HelloWriter& writer_;
  NoisePattern pattern_ = NoisePattern::kXX;
  bool preamble_done_ = false;
  std::optional<NoiseHandshake> noise_;
  unsigned read_count_ = 0;
  ByteWriter output_;
  CloseCode failure_ = CloseCode::kNone;
  std::optional<HandshakeOutcome> outcome_;
};

}  // namespace lienthong
