// Lane 4 of one session: chunks of files asked for and given, as a state machine. Bodies of
// BlobMessage in and out; docs/protocol/files.md. Always behind records: the session asks for
// the next message only when it has nothing else to send. Threads: none, the session's.
//
// The asker names ranges of chunks that it lacks; the other side sends them in pieces and says how
// it ended. A chunk is verified when it is whole and handed out to be stored; a new session goes on
// from what is stored, so a cut costs at most the chunk that was under way. What does not verify
// ends the fetch of that file from that peer and nothing else.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "protocol/blob/chunk_tree.h"

namespace lienthong {

enum class BlobEnd : std::uint8_t {  // on the wire: never change
  kSent = 0,                         // everything that was asked for
  kNoRight = 1,                      // no record that names it has the asker in its audience
  kNotHere = 2,                      // not held, or not all of it; the rest was sent
  kErased = 3,
  kNotNow = 4,  // budget or hours: ask again later
  kBad = 5,     // local only: what came did not verify
};
const char* to_string(BlobEnd end);

struct HeldChunk {
  std::uint64_t size = 0;  // of the file
  Bytes bytes;
  std::vector<Hash256> proof;
};

// What the lane reads of the store. Calls come on the session's thread.
class BlobView {
 public:
  virtual ~BlobView() = default;
  // kSent: that agency may have it, as a file of that record. kNotHere also where what is here did
  // not come with that record.
  virtual BlobEnd may_read(const AgencyId& reader, const BlobId& id,
                           const RecordId& under) const = 0;
  // The record under which that agency may be asked for it, none of `refused`. nullopt: none.
  virtual std::optional<RecordId> asked_under(const AgencyId& peer, const BlobId& id,
                                              const std::set<RecordId>& refused) const = 0;
  // Its length where any of it is held.
  virtual std::optional<std::uint64_t> held_size(const BlobId& id) const = 0;
  virtual std::optional<HeldChunk> read_chunk(const BlobId& id, std::uint32_t index) const = 0;
};

// ---- what the lane asks of its driver ----

struct StoreChunk {  // verified; then on_stored()
  BlobId id;
  RecordId under;  // the record that it was given as a file of
  std::uint32_t index = 0;
  HeldChunk chunk;
};
struct FetchEnded {  // nothing more comes of it by itself; kSent: all that was asked for has come
  BlobId id;
  BlobEnd end = BlobEnd::kSent;
};
struct PeerHolds {  // a hint: the peer says that it has every chunk, durably
  BlobId id;
  std::uint64_t size = 0;
};
struct PeerLacks {  // the peer asked for it, may have it, and it is not (all) here with that record
  BlobId id;
  RecordId under;
};
struct PeerProved {  // answer to prove(): whether it has shown that it holds every chunk
  BlobId id;
  RecordId under;
  bool held = false;
};
using BlobAction = std::variant<StoreChunk, FetchEnded, PeerHolds, PeerLacks, PeerProved>;

using BlobNonce = std::array<std::uint8_t, 16>;

class BlobLane {
 public:
  struct Party {  // the two ends, as the handshake showed them
    AgencyId peer_agency;
    NodeId peer, ours;
  };
  // `view` outlives the lane. `root`: by which the session goes; a file may be named under any of
  // `roots`.
  BlobLane(const BlobView& view, const RootFingerprint& root, Party party,
           std::vector<RootFingerprint> roots = {});

  // A message's body. Fails (final, the session closes): kTruncated, kMalformed, kTooLarge (a bound
  // of "Limits"), kOutOfOrder (what was not asked for, numbers that do not rise).
  Result<void> on_message(ByteView body);
  // The next message's body, at most about `piece_bytes` of a chunk; nullopt: nothing to say.
  std::optional<Bytes> next_message(std::size_t piece_bytes);
  bool has_message() const;
  bool asking() const { return !wants_.empty(); }  // an answer is awaited

  // Asks for those chunks, in order, a window at a time; in place of what was asked of that file
  // before. At most kBlobRangeCountMax ranges, not empty, ascending (LT_CHECK).
  void fetch(const BlobId& id, std::vector<ChunkRange> ranges);
  void stop(const BlobId& id);  // no FetchEnded follows
  bool fetching(const BlobId& id) const { return find_fetch(id) != nullptr; }
  std::size_t fetch_count() const { return fetches_.size(); }
  // The driver's answer to StoreChunk, stored or not.
  void on_stored();
  // Tells the peer that every chunk is here, durably.
  void announce(const BlobId& id, std::uint64_t size);
  // Asks the peer to show that it holds every chunk, with that record; we hold them all. One at a
  // time: false while another is under way.
  bool prove(const BlobId& id, const RecordId& under, const BlobNonce& nonce);
  // Closed: what the peer asks for is answered with kNotNow, and nothing more is asked.
  void set_open(bool open);
  // Goes on with proofs, some chunks at a time. At least every 250 ms.
  void on_tick();
  std::vector<BlobAction> take_actions();

  std::uint64_t sent_bytes() const { return sent_bytes_; }  // of chunks
  std::uint64_t received_bytes() const { return received_bytes_; }

 private:
  struct Fetch {
    BlobId id;
    std::vector<ChunkRange> left;  // not asked yet
    std::size_t wants = 0;         // not ended
    RecordId under = {};
  };
  struct Want {
    BlobId id;
    RecordId under;
    std::set<std::uint32_t> expected;
    bool stopped = false;  // what still comes of it is passed over
  };
  struct Half {  // a chunk half received
    std::uint64_t want = 0;
    std::uint32_t index = 0;
    HeldChunk chunk;
  };
  struct Serving {
    std::uint64_t number = 0;
    BlobId id;
    RecordId under;
    std::uint32_t count = 0;  // of the file's chunks
    std::deque<ChunkRange> ranges;
    bool lacking = false;  // a chunk that was asked for is not here
  };
  struct Outgoing {  // the chunk of the first Serving that is under way
    HeldChunk chunk;
    std::uint32_t index = 0;
    std::size_t sent = 0;
  };
  struct Showing {  // hashing every chunk, for the peer's question or ours
    std::uint64_t number = 0;
    BlobId id;
    RecordId under;
    BlobNonce nonce{};
    std::uint32_t next = 0, count = 0;
    std::optional<Hasher> hasher;
    std::optional<Hash256> expected;  // ours: asked of the peer
  };

  Result<void> on_want(ByteReader& in);
  Result<void> on_head(ByteReader& in);
  Result<void> on_more(ByteReader& in);
  Result<void> on_end(ByteReader& in);
  Result<void> on_have(ByteReader& in);
  Result<void> on_prove(ByteReader& in);
  Result<void> on_proof(ByteReader& in);
  Result<void> take_piece(ByteView bytes);
  void finish_chunk();
  void end_want(std::uint64_t number, BlobEnd end);
  void end_fetch(const BlobId& id, BlobEnd end);
  bool ask_under_another(const Want& want);
  const Fetch* find_fetch(const BlobId& id) const;
  void ask();
  bool load_next_chunk();
  Bytes next_piece(std::size_t piece_bytes);
  void say_end(std::uint64_t number, BlobEnd end);
  void say_proof(std::uint64_t number, const std::optional<Hash256>& hash);
  bool start(Showing& showing, const NodeId& holder);
  bool step(Showing& showing);

  const BlobView& view_;
  RootFingerprint root_;
  std::vector<RootFingerprint> roots_;
  Party party_;
  bool open_ = true;
  std::deque<Bytes> control_;
  std::vector<BlobAction> actions_;
  // asking
  std::deque<Fetch> fetches_;
  std::map<BlobId, std::set<RecordId>> refused_;  // records under which the peer gives it not
  std::map<std::uint64_t, Want> wants_;
  std::uint64_t next_want_ = 1;
  std::size_t in_flight_ = 0;  // chunks asked for and not yet stored
  std::optional<Half> half_;
  // giving
  std::deque<Serving> serving_;
  std::optional<Outgoing> outgoing_;
  std::uint64_t last_want_heard_ = 0;
  // showing
  std::optional<Showing> for_peer_, for_us_;
  std::uint64_t next_proof_ = 1;
  std::uint64_t sent_bytes_ = 0, received_bytes_ = 0;
};

}  // namespace lienthong
