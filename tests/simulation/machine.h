// One office machine: disk, replica, writer, links and dialler. It can be stopped at any moment and
// started again; what it does follows the daemon's driver step by step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/disk.h"
#include "tests/simulation/office_link.h"
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

  std::size_t index() const { return index_; }
  const test::TestNode& node() const { return node_; }
  const AgencyId& agency() const { return node_.agency; }
  std::optional<std::size_t> parent() const { return parent_; }
  Disk& disk() { return disk_; }
  std::uint64_t life() const { return life_; }  // rises with every start and stop
  UnixMillis clock() const;
  void set_clock_wrong(std::int64_t millis) { clock_wrong_ = millis; }

  store::Replica& replica() override { return *replica_; }
  const store::Replica& replica() const { return *replica_; }
  Writer& writer() override { return *writer_; }
  Instant now() const override { return world_.timeline.now(); }
  void link_established(const std::shared_ptr<OfficeLink>& link) override;
  void link_ended(const std::shared_ptr<OfficeLink>& link) override;
  void saw_part(const OfficeLink& link, FeedKind kind, const EncodedPart& part) override;
  void healed(const HealReport& report) override;
  void soon(std::function<void()> event) override;
  // How healing ended here, ever; "lost" in front where a cursor was lost.
  const std::map<std::string, std::size_t>& heal_outcomes() const { return outcomes_; }
  // What the program can, from the next session on.
  std::uint64_t features = kFeaturesOfThisProgram;
  std::uint64_t heal_entry_count_min = kHealEntryCountMin;

  std::function<void(Machine&, const OfficeLink&, FeedKind, const EncodedPart&)> on_part;
  std::function<void(Machine&)> on_failure;  // a commit failed

  // A live session with that agency whose two directions are drained.
  bool in_sync_with(const AgencyId& agency) const;
  std::string describe_links() const;
  // A session for a dial out or in, with this machine's credentials.
  SessionConfig session_config();

 private:
  void accept(std::shared_ptr<Stream> stream);
  std::shared_ptr<OfficeLink> adopt(std::shared_ptr<Stream> stream, SessionConfig config);
  bool stays(const OfficeLink& fresh, const OfficeLink& old) const;
  bool connected(const AgencyId& agency) const;
  void changed();
  void tick();
  void plan_dial(Duration wait);
  void dial();
  void dialled(const std::shared_ptr<OfficeLink>& link);
  std::optional<DhPublic> parent_key() const;
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
  std::int64_t clock_wrong_ = 0;
  std::uint64_t life_ = 0;
  std::unique_ptr<store::Replica> replica_;
  std::shared_ptr<Writer> writer_;
  std::vector<std::shared_ptr<OfficeLink>> links_;               // oldest first
  std::map<NodeId, std::shared_ptr<HealMemory>> heal_memories_;  // of this life
  std::map<std::string, std::size_t> outcomes_;
  bool sealing_ = false, grown_again_ = false;
  bool dialling_ = false;
  std::weak_ptr<OfficeLink> dialled_;
  bool named_key_ = false, without_key_ = false;
  int failures_ = 0;
};

}  // namespace lienthong::sim
