// Which scans this machine fetches, from whom, and which it drops: the policy over store::Blobs and
// the blob lanes of the sessions. docs/operations.md, "Scans".
//
// The custodian's are fetched at once, others when somebody here or a neighbour asks. Threads: what
// is marked "loop" on the loop's only thread, everything else from any.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "agent/engine/engine.h"
#include "agent/files/blob_worker.h"
#include "protocol/crypto/keys.h"
#include "store/scans/blobs.h"

namespace lienthong::agent {

// A session that is up, as the keeper sees it. Loop only.
class BlobPeer {
 public:
  virtual ~BlobPeer() = default;
  virtual const NodeId& blob_node() const = 0;
  virtual const AgencyId& blob_agency() const = 0;
  virtual BlobLane& blob_lane() = 0;
  virtual bool blob_lane_open() const = 0;  // hours and budget
  virtual void blob_lane_spoke() = 0;       // the lane has something to send: send it
};

enum class BlobState : std::uint8_t { kHere, kFetching, kWaiting, kAbsent };
const char* to_string(BlobState state);  // "here", "fetching", "waiting", "absent"

struct BlobStatus {
  BlobState state = BlobState::kAbsent;
  std::uint64_t size = 0;  // 0: not known
  std::uint64_t held_bytes = 0;
  std::uint32_t chunks = 0, held = 0;
  bool wanted = false;
  AgencyId from;                    // fetching
  std::uint64_t rate = 0;           // bytes a second, of this fetch
  std::uint64_t received_here = 0;  // bytes that came over links since the start of the program
  std::string why;                  // waiting: "no-neighbour", or how the last attempt ended
};

struct BlobPolicy {
  std::chrono::milliseconds retention = std::chrono::hours(24 * 90);  // after the end of a dossier
  std::chrono::milliseconds unnamed = std::chrono::hours(24 * 7);     // uploads that nothing names
};

class BlobKeeper {
 public:
  // `engine` and `entropy` outlive this; `entropy` is used on the loop.
  BlobKeeper(std::unique_ptr<store::Blobs> blobs, Engine& engine, Entropy& entropy,
             BlobPolicy policy, asio::any_io_executor loop);
  ~BlobKeeper();

  const store::Blobs& blobs() const { return *blobs_; }
  BlobStatus status(const BlobId& id) const;
  // Whether any of it is here or a record names it, the newest records included.
  bool knows(const BlobId& id);
  // Somebody here wants it. kIo, kDiskFull.
  Result<void> demand(const BlobId& id);

  // ---- files from here ----
  // The next piece of a file at `offset`; `upload` empty: the first, and then it is named.
  // Fails: kNotFound (no such upload: begin again), kInvalidArgument (another offset than the end,
  // empty file), kTooLarge, kBusy (too many at once), kIo, kDiskFull; kTooLarge, kIo and kDiskFull
  // end the upload.
  Result<void> add(std::string& upload, std::uint64_t offset, ByteView bytes);
  Result<store::BlobInfo> finish(const std::string& upload);

  // ---- loop ----
  void peer_up(BlobPeer& peer);
  void peer_down(BlobPeer& peer);
  void on_actions(BlobPeer& peer);  // after the lane got a message
  void on_tick();                   // every 250 ms
  void stop();                      // no more work; waits for the job under way

 private:
  struct Peer {
    BlobPeer* link = nullptr;  // null: gone
    std::map<BlobId, Instant> not_before;
    std::map<BlobId, unsigned> failures;  // in a row
    std::set<BlobId> told;
  };
  struct Running {
    std::shared_ptr<Peer> peer;
    Instant since{};
    std::uint64_t bytes = 0;
  };
  struct Upload {
    Upload(store::BlobUpload f, Instant at) : file(std::move(f)), used(at) {}
    std::mutex mutex;  // guards `file`
    store::BlobUpload file;
    Instant used;  // under the keeper's mutex
  };

  void perform(const std::shared_ptr<Peer>& peer, BlobAction& action);
  void store_chunk(const std::shared_ptr<Peer>& peer, StoreChunk chunk);
  void on_stored(const std::shared_ptr<Peer>& peer, const BlobId& id, const Result<bool>& whole,
                 std::uint64_t size, std::size_t bytes);
  void on_fetch_ended(const std::shared_ptr<Peer>& peer, const FetchEnded& end);
  void on_peer_holds(const std::shared_ptr<Peer>& peer, const PeerHolds& holds);
  void on_peer_lacks(const std::shared_ptr<Peer>& peer, const PeerLacks& lacks);
  void on_proved(const std::shared_ptr<Peer>& peer, const PeerProved& proved);
  void tell(const std::shared_ptr<Peer>& peer, const BlobId& id, std::uint64_t size);
  void catch_up();
  void tend_damage();
  void on_worker_failed(const std::string& error);  // the worker's thread
  void schedule();
  bool may_ask(const Peer& peer, const BlobId& id, const std::vector<AgencyId>& readers) const;
  bool start_fetch(const std::shared_ptr<Peer>& peer, const store::BlobWant& want);
  void look_for_drops();
  void ask_to_show();
  void on_shown(const std::shared_ptr<Peer>& peer, const PeerProved& proved);
  void forget_idle_uploads();
  Instant now() const { return engine_.clock().monotonic(); }

  std::unique_ptr<store::Blobs> blobs_;
  Engine& engine_;
  Entropy& entropy_;
  BlobPolicy policy_;
  std::map<BlobPeer*, std::shared_ptr<Peer>> peers_;
  std::map<BlobId, std::set<NodeId>> lacking_;  // who asked for what we did not have
  // Files that are here, but did not come with that record, under which somebody asked.
  std::set<std::pair<BlobId, RecordId>> to_show_;
  std::atomic<bool> demanded_{false};
  bool catching_up_ = false;
  bool tending_ = false;
  store::BlobPlace looked_through_;  // the worker's
  bool stopped_ = false;
  std::uint64_t seen_change_ = 0;
  Instant seen_change_at_{}, caught_up_at_{}, next_schedule_{}, next_sweep_{}, next_look_{};

  mutable std::mutex mutex_;  // guards the rest
  std::map<BlobId, Running> running_;
  std::map<BlobId, std::string> why_;
  std::map<BlobId, std::uint64_t> received_;
  std::map<std::string, std::shared_ptr<Upload>> uploads_;
  std::uint64_t upload_count_ = 0;
  std::uint64_t upload_salt_ = 0;
  BlobWorker worker_;  // last: stopped before the rest goes
};

}  // namespace lienthong::agent
