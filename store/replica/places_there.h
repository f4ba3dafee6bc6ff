// Where records stood for a neighbour that wrote to them without all that is here: their heads and
// last links without what did not come from that neighbour and it may not have had.
// docs/protocol/parts.md, "Where a record stood". Internal to store/. Threads: the writer's.
// Reads a row for each head, and where one of them did not come from the sender, for each of the
// record's newest updates.
#pragma once

#include "protocol/wire/standing.h"
#include "store/replica/short_names.h"

namespace lienthong::store {

class PlacesThere final : public wire::Standing {
 public:
  // Of a part that `node` of `agency` has sent. Good until the transaction's next change; `overlay`
  // and `ledger` outlive this. `record`: as receiver_names() takes it.
  PlacesThere(const Overlay& overlay, const Ledger& ledger, FindRecord record, const NodeId& node,
              const AgencyId& agency);

  std::optional<Place> likeliest(const RecordId& record, Hlc clock) const override;
  std::vector<wire::RecordPlace> places(const RecordId& record) const override;
  bool proves(const Seal& seal) const override;

 private:
  struct Recent {
    UpdateId id;
    std::vector<UpdateId> parents;
    Hlc clock;
    bool theirs = false;  // it came from the sender
    bool had = false;     // or the sender has acknowledged it
  };
  const OpenRecord* find(const RecordId& id) const;
  Recent read(const OpenRecord& record, std::size_t nth) const;
  std::vector<Recent> newest(const OpenRecord& record) const;

  const Overlay& overlay_;
  const Ledger& ledger_;
  const FindRecord record_;
  std::uint32_t source_ = 0;  // of the sender, as in rows of updates; 0: nothing came from it yet
  std::uint32_t feed_ = 0;    // ours for its agency; 0: there is none
  Cursor had_;                // of that feed, as the sender last said
};

}  // namespace lienthong::store
