// Golden files of format 1, as text: items of bytes that were written once and of what they are
// read as. An item that stands in a file is never changed; items are added at the end.
//
//   item NAME
//     < part        bytes, as hexadecimal on the lines below
//         00ff…
//     = name value  what the bytes are read as, one thing on a line
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/ids.h"

namespace lienthong::golden {

struct Item {
  std::string name;
  std::vector<std::pair<std::string, Bytes>> given;
  std::vector<std::pair<std::string, std::string>> read;  // a name may stand several times
  bool operator==(const Item&) const = default;

  bool has(std::string_view part) const;
  const Bytes& operator[](std::string_view part) const;  // throws std::out_of_range
  std::uint64_t number(std::string_view part) const;     // of 8 bytes, little-endian
  // All that was said under that name.
  std::vector<std::string> said(std::string_view name) const;

  Item& give(std::string part, ByteView bytes);
  Item& give_number(std::string part, std::uint64_t number);
  Item& give_text(std::string part, std::string_view text) {
    return give(std::move(part), as_bytes(text));
  }
  Item& say(std::string what, std::string value);
  Item& say(std::string what, std::string_view value) {
    return say(std::move(what), std::string(value));
  }
  Item& say(std::string what, const char* value) {
    return say(std::move(what), std::string(value));
  }
  Item& say(std::string what, std::uint64_t value) {
    return say(std::move(what), std::to_string(value));
  }
  template <class Tag>
  Item& say(std::string what, const Id<Tag>& id) {
    return say(std::move(what), id.hex());
  }
};

std::string render(const Item& item);
// Lines that begin with # and empty ones are passed over. Throws std::runtime_error.
std::vector<Item> parse(std::string_view text);

// 2023-04-03T01:30:00.000Z; of 0: "none".
std::string time_text(std::int64_t millis);

// ---- what the sources promise never to change ----

using Enumerators = std::map<std::string, std::uint64_t>;  // by name
// Of every enumeration in protocol/, store/ and agent/ of whose numbers the line says "never
// change", or the one before it: by the name of its file and its own, "update.UpdateKind".
std::map<std::string, Enumerators> promised_enumerations(const std::string& source_dir);

}  // namespace lienthong::golden
