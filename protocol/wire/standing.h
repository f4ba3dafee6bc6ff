// Where records stand for the other side of a link, where it may not know all that is here: what a
// reader tries, and what a writer says when it was not understood. docs/protocol/parts.md, "Where a
// record stood". Pure; threads: those of the implementation.
#pragma once

#include "protocol/wire/part.h"

namespace lienthong::wire {

// What a reader knows of the sender of a part.
class Standing {
 public:
  virtual ~Standing() = default;

  // Where the record stood for the sender when the update with that clock was written, as far as
  // can be told here. `doubtful`: some of what makes it stand so did not come from the sender, who
  // may not have had it. nullopt: it is not here.
  struct Place {
    RecordPlace place;
    bool doubtful = false;
  };
  virtual std::optional<Place> likeliest(const RecordId& record, Hlc clock) const = 0;
  // Every place at which it may have stood there: first with all that is here, then with less and
  // less of what did not come from the sender.
  virtual std::vector<RecordPlace> places(const RecordId& record) const = 0;
  // Whether the seal is good: which of several places was meant.
  virtual bool proves(const Seal& seal) const = 0;
};

// As decode_part in part.h: records stand where they stood for the sender, if a seal proves it.
Result<PartBody> decode_part(const RootOf& root, ByteView body, const Names* names,
                             const Standing* standing);

// As encode_part_body, for a reader for whom records stand elsewhere: parents and links are named.
Bytes encode_with_parents(const RootOf& root, const FeedPart& part, const Names* names);

}  // namespace lienthong::wire
