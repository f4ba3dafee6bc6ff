// One office machine: disk, replica, writer, links and dialler around the exchange that ships. It
// can be stopped at any moment and started again.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/disk.h"
#include "tests/simulation/enrolment.h"
#include "tests/simulation/sim_link.h"
#include "tests/simulation/writer.h"
#include "tests/support/deployment.h"

namespace lienthong::sim {

struct Surroundings {
  Timeline& timeline;
  Network& network;
  const RootFingerprint& root;
};

class Machine final : public LinkHost {
 public:
  // `beginnings`: the registry as enrolment leaves it. `parent`: whom it dials; none for the
  // topmost.
  Machine(Surroundings world, std::size_t index, const test::TestNode& node,
          std::vector<Statement> beginnings, std::optional<std::size_t> parent,
          std::optional<AgencyId> parent_agency, Dice dice);
  ~Machine() override;

  // False: the disk has no room to start on; it stays off.
  bool boot(Disk::Loss loss = Disk::Loss::kNothing);
  // The machine stops at once; what it had not written is gone, and by `loss` at boot() what it had
  // not synced.
  void crash();
  bool on() const { return replica_ != nullptr; }

  // ---- a machine that begins without anything ----
  bool enrolled() const { return !beginnings_.empty(); }
  // Invites one for the agency of that code, declared now where it is new; `done` gets the token
  // once the invitation is synced. On, and with the right to issue.
  void invite(const std::string& code, std::function<void(const Token&)> done);
  // Tries until it has its certificate from that machine, then boots for the first time.
  void enrol(const Token& token, std::size_t parent);

  std::size_t index() const { return index_; }
  const test::TestNode& node() const { return node_; }
  const AgencyId& agency() const { return node_.agency; }
  std::optional<std::size_t> parent() const { return parent_; }
  // Another machine with its keys and what its disk would have after a power cut; it is off. On.
  std::unique_ptr<Machine> clone(std::size_t index, Dice dice) const;
  Disk& disk() { return disk_; }
  std::uint64_t life() const { return life_; }  // rises with every start and stop
  UnixMillis clock() const;
  void set_clock_wrong(std::int64_t millis) { clock_wrong_ = millis; }
  // Of each million milliseconds so many too many.
  void set_drift(std::int64_t parts) { drift_ = parts; }

  store::Replica& replica() { return *replica_; }
  const store::Replica& replica() const { return *replica_; }
  Writer& writer() { return *writer_; }
  const Writer& writer() const { return *writer_; }
  Instant now() const override { return world_.timeline.now(); }
  // Each commit takes so much longer.
  void set_slowness(Duration slowness) { slowness_ = slowness; }
  // It begins with the program of the release, which keeps no lists and says no newer features; at
  // some later start, or at once, it is this one.
  void begin_released();
  void upgrade();
  bool released() const { return released_; }
  std::size_t upgraded() const { return upgraded_; }
  // Whether nothing that was set above keeps it from storing and sending now.
  bool unhindered() const { return !no_room_ && closed_lanes_ == 0 && slowness_.count() == 0; }
  // From now on its disk may be found not to read back; then it is salvaged at the next boot.
  void rots() { rotten_ = true; }
  void keep_registry_copy();  // beside the database; on
  bool reads_back();          // all of the disk, looked through slowly; on
  bool found_rotten() const { return found_rotten_; }
  // The disk becomes another one before the next boot: what it held is not expected of it.
  void disk_replaced();
  // What the disk has acknowledged, ever since it was last replaced: not what was taken back.
  const std::set<UpdateId>& held() const { return held_; }
  // Records that have changed since this was last asked.
  std::set<RecordId> take_touched() { return std::exchange(touched_, {}); }
  // It calls another superior from now on.
  void move(std::size_t parent, const AgencyId& agency);
  // Another machine in its place, with keys of its own and nothing else; it is off.
  void replace(const test::TestNode& node);
  // From the next start on.
  void take_certificate(const CertificateId& certificate) { node_.certificate = certificate; }
  // Beside the session that is up, if there is one: as a second address, or a neighbour that dials.
  void call(std::size_t machine, const AgencyId& agency);
  // Nothing is written for a while, as on a disk with too little room left.
  void set_no_room(bool none) { no_room_ = none; }
  // Lanes 1 to 4, as a spent budget closes them; bit 1 << lane.
  void set_closed_lanes(std::uint8_t lanes) { closed_lanes_ = lanes; }
  // How healing ended here, ever; "lost" in front where a cursor was lost.
  const std::map<std::string, std::size_t>& heal_outcomes() const { return outcomes_; }
  // What else the driver saw, ever: parts stored and unclear, storing that failed, …
  const std::map<std::string, std::size_t>& sights() const { return sights_; }
  // What the program can, from the next session on.
  std::uint64_t features = kFeaturesOfThisProgram;
  std::uint64_t heal_entry_count_min = kHealEntryCountMin;
  Duration tick_every{250};  // from the next start on

  std::function<void(Machine&, const SimLink&, const StorePart&)> on_part;
  std::function<void(Machine&)> on_failure;  // a commit failed, or the disk did not read
  // Something that must not be.
  std::function<void(const std::string& kind, const std::string& what)> on_broken;

  // A live session with that agency whose two directions are drained.
  bool in_sync_with(const AgencyId& agency) const;
  std::string describe_links() const;
  const std::vector<std::shared_ptr<SimLink>>& links() const { return links_; }
  void guard(const std::function<void()>& work) override;

 private:
  // ---- LinkHost ----
  store::Peers& peers() override { return *peers_; }
  Dice& dice() override { return dice_; }
  void link_ended(const std::shared_ptr<SimLink>& link) override;
  void saw(const SimLink& link, const store::Observation& what) override;
  void saw_part(const SimLink& link, const StorePart& part) override;
  store::ClosedLanes closed_lanes() const override { return {closed_lanes_, "budget"}; }
  void after(Duration wait, std::function<void()> event) override;

  void open_replica();
  void open_rotten();
  void salvage();  // (salvage.cc)
  void note_held();
  void check_held();
  void knock();
  void knocked(const GrantedNode* granted);
  void accept(std::shared_ptr<Stream> stream);
  void greet(const std::shared_ptr<Stream>& line, const Bytes& first);
  std::shared_ptr<SimLink> adopt(std::shared_ptr<Stream> stream, SessionConfig config,
                                 ByteView first = {});
  bool connected(const AgencyId& agency) const;
  void tick();
  void plan_dial(Duration wait);
  void dial();
  void dialled(const std::shared_ptr<SimLink>& link);
  // Takes a session number, seals what waits, dials; `done` gets the link, or null.
  void reach(std::size_t machine, const AgencyId& agency, bool with_key,
             std::function<void(const std::shared_ptr<SimLink>&)> done);
  // Runs it unless the machine has stopped since.
  std::function<void()> while_up(std::function<void()> event);

  Surroundings world_;
  std::size_t index_;
  test::TestNode node_;
  std::vector<Statement> beginnings_;
  std::optional<std::size_t> parent_;
  std::optional<AgencyId> parent_agency_;
  Dice dice_;
  test::SeededEntropy entropy_;
  Disk disk_;
  std::int64_t clock_wrong_ = 0, drift_ = 0;
  Duration slowness_{0};
  std::set<UpdateId> held_;
  std::set<RecordId> touched_;
  std::uint64_t noted_ = 0;  // of the replica's changes
  std::uint64_t life_ = 0;
  std::unique_ptr<store::Replica> replica_;
  std::shared_ptr<Writer> writer_;
  std::shared_ptr<store::Peers> peers_;
  std::vector<std::shared_ptr<SimLink>> links_;  // oldest first
  std::map<std::string, std::size_t> outcomes_, sights_;
  bool rotten_ = false, found_rotten_ = false, released_ = false;
  std::size_t upgraded_ = 0;
  std::string registry_copy_;
  bool no_room_ = false;
  std::uint8_t closed_lanes_ = 0;
  std::optional<Token> token_;  // not enrolled yet
  std::size_t knocks_ = 0;
  bool dialling_ = false;
  std::weak_ptr<SimLink> dialled_;
  bool named_key_ = false, without_key_ = false;
  int failures_ = 0;
};

}  // namespace lienthong::sim
