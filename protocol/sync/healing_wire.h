// Bodies of Heal messages. docs/protocol/healing.md has the layouts. Pure values.
#pragma once

#include <variant>

#include "protocol/feed/feed.h"
#include "protocol/sync/riblt.h"

namespace lienthong::heal {

// "My feed for you holds these": the start of a run. `cursor_lost`: your cursor of my feed names a
// place that is not there. `at_once`: compare though there is traffic.
struct Ask {
  bool cursor_lost = false;
  bool at_once = false;
  std::uint64_t count = 0;
  IdPrefix sum{};
  std::uint64_t nonce = 0;
  bool operator==(const Ask&) const = default;
};
// The answers to it. Equal: nothing is to be sent; `known`: a difference that an earlier run left.
struct Equal {
  bool cursor_lost = false;
  bool known = false;
  std::uint64_t count = 0;
  bool operator==(const Equal&) const = default;
};
struct Busy {  // there is traffic, or it was asked too often
  bool operator==(const Busy&) const = default;
};
// They differ. Coded symbols follow up to `symbol_count`; 0: each side sends all of its feed.
struct Differ {
  bool cursor_lost = false;
  std::uint64_t count = 0;
  IdPrefix sum{};
  std::uint64_t nonce = 0;
  std::uint64_t symbol_count = 0;
  bool operator==(const Differ&) const = default;
};
struct Symbols {  // of the answerer's feed
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  Bytes body;  // encode_symbols()
  bool operator==(const Symbols&) const = default;
};
struct More {  // symbols up to there, please; 0: each side sends all of its feed
  std::uint64_t symbol_count = 0;
  bool operator==(const More&) const = default;
};
// "I lack those whose short ids begin so"; `last`: no more of them follow. As many bits as tell
// them from all others that the answerer holds, nearly always; what else begins so comes along.
struct Want {
  bool last = true;
  std::uint8_t bits = 48;           // of a short id, its highest; 1 to 48
  std::vector<ShortId> beginnings;  // ascending, at most kHealWantCountMax
  bool operator==(const Want&) const = default;
};
struct Part {  // a part's body, without places
  Bytes body;
  bool operator==(const Part&) const = default;
};
struct Stored {  // that many of your parts are durable
  std::uint64_t parts = 0;
  bool operator==(const Stored&) const = default;
};
// All of mine was sent: once it is durable, you have my feed up to there.
struct Done {
  FeedMark mark;
  bool operator==(const Done&) const = default;
};
struct Stop {  // the run is given up
  bool operator==(const Stop&) const = default;
};

// Where both sides name shortly: that part led elsewhere, nothing of it is durable. Parts are
// answered in the order in which they came, by this or Stored.
struct Unclear {
  bool operator==(const Unclear&) const = default;
};
struct Again {  // what was unclear, in full; `last`: no more of that part follows
  bool last = true;
  Bytes body;  // as in Part; empty: nothing of it is there any more
  bool operator==(const Again&) const = default;
};

using Content = std::variant<Ask, Equal, Busy, Differ, Symbols, More, Want, Part, Stored, Done,
                             Stop, Unclear, Again>;

struct Body {
  FeedKind kind = FeedKind::kUpdates;
  std::uint8_t run = 0;  // chosen by the asker; what belongs to another run is passed over
  Content content;
  bool operator==(const Body&) const = default;
};

// Counts must keep to the bounds above (LT_CHECK).
Bytes encode_body(const Body& body);
// Fails: kTruncated; kTooLarge (a count over its bound); kMalformed (unknown type, kind or flag,
// bytes left).
Result<Body> decode_body(ByteView bytes);

}  // namespace lienthong::heal
