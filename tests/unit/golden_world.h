// What the golden files of format 1 are recorded from: a province of three communes in a district
// that is dissolved on 1 July 2025, and what they write. Everything follows from one seed.
//
// The files hold what it gave then, so this is only ever added to, at the end of each list: what
// came before would get other ids.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "tests/support/deployment.h"

namespace lienthong::golden {

// A realistic value for that field, of its type. `about`: ids that it may name.
struct Named {
  AgencyId intake, competent;
  RecordId procedure;
  std::string code;  // of the record
};
FieldValue value_of(const FieldInfo& info, const Named& about);
// All fields of that part that a record of that kind has.
std::vector<FieldWrite> all_writes(RecordKind kind, Part part, const Named& about);

struct Written {
  std::string name;
  UpdateId id;
  Update update;
};
struct Sealed {
  std::string name;
  SealedUnit unit;  // whole
  std::vector<UpdateId> ids;
};
// A record while it is written.
struct Paper {
  std::string name;
  RecordId id = {};
  RecordSecret secret{};
  std::vector<UpdateId> heads = {};
  std::optional<UpdateId> link = {};
  std::vector<UpdateId> updates = {};
};
struct Place {  // where an update stands, if not at the record's end
  std::optional<std::vector<UpdateId>> deps = {};
  std::optional<UpdateId> link = {};
  std::optional<TreeVersion> tree = {};
  std::uint16_t rules = kRulesVersion;
};

class World {
 public:
  World();

  test::TestDeployment deployment;
  test::TestDeployment neighbour;  // under a root of its own until the reform
  AgencyId province, district, commune, other, third, mistake;
  test::TestNode *p = nullptr, *d = nullptr, *c = nullptr, *twin = nullptr, *o = nullptr,
                 *t = nullptr;
  std::vector<Written> updates;
  std::vector<Sealed> seals;
  std::deque<Paper> records;
  std::size_t statements_before = 0, updates_before = 0;  // the reform of 2025

  const RootFingerprint& root() const { return deployment.root(); }
  const Update& update(const UpdateId& id) const;

 private:
  void declare();
  void reform();
  void procedure();
  void birth();
  void fork_decided();
  void forks_undecided();
  void other_kinds();
  void without_right();
  void succession();
  void beyond_cuts();
  void later_rules();
  void accounts();
  void two_tiers();

  Paper& begin(std::string name, test::TestNode& by, RecordKind kind, std::string code,
               RecordId lead = {});
  UpdateId write(Paper& paper, const std::string& name, test::TestNode& by, const OpenBody& open,
                 const std::optional<ClosedBody>& closed = {}, const Place& place = {});
  UpdateId write(Paper& paper, const std::string& name, test::TestNode& by, UpdateKind kind,
                 const AgencyId& target = {}, const Place& place = {});
  // `from` offers at that place and `to` accepts; the acceptance.
  UpdateId hand_over(Paper& paper, const std::string& name, test::TestNode& from,
                     test::TestNode& to, Place place = {});
  // What that machine wrote since its last seal.
  void seal(const std::string& name, test::TestNode& by);

  UnixMillis now_ = 1'680'481'800'000;  // 2023-04-03T00:30:00Z
  std::size_t sealed_ = 0;
  std::map<NodeId, std::vector<UpdateId>> unsealed_;
};

}  // namespace lienthong::golden
