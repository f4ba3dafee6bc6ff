// How the messages of one session are packed, both ways: by themselves against a dictionary, or as
// a stream while a backlog is under way. docs/protocol/parts.md, "Compression". Threads: the
// session's.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "protocol/wire/compress.h"
#include "protocol/wire/fragment.h"

namespace lienthong {

// The tables for single messages, some 1 MB: one for all sessions of a thread.
class SharedTables {
 public:
  // 0: no dictionary; else one of wire/dictionary.h (LT_CHECK).
  wire::MessageDeflater& deflater(std::uint32_t dictionary);
  wire::MessageInflater& inflater(std::uint32_t dictionary);

 private:
  template <class T>
  using Kept = std::array<std::unique_ptr<T>, 2>;  // by dictionary
  Kept<wire::MessageDeflater> deflaters_;
  Kept<wire::MessageInflater> inflaters_;
};

class Packer {
 public:
  static constexpr std::size_t kAloneBytesMin = 24;  // smaller messages go as they are

  explicit Packer(std::shared_ptr<SharedTables> tables);

  // The newest dictionary that both sides know; 0: none.
  void set_dictionary(std::uint32_t number) { dictionary_ = number; }
  // Of a stream that is opened from now on.
  void set_rate(std::uint64_t bits_per_second) { rate_ = bits_per_second; }

  // `backlog`: as a stream; `dense`: so many bytes at the end are not worth compressing.
  wire::Packed pack(wire::Lane lane, Bytes message, bool backlog, std::size_t dense);
  // Nothing more of a backlog follows: its tables go.
  void drop_deflaters() { streams_ = {}; }

  // kMalformed, kTooLarge; final.
  Result<Bytes> unpack(wire::Packed packed);
  void drop_inflaters() { inflaters_ = {}; }

 private:
  std::shared_ptr<SharedTables> tables_;
  std::uint32_t dictionary_ = 0;
  std::uint64_t rate_ = 1'000'000;
  std::array<std::unique_ptr<wire::BacklogDeflater>, wire::kLaneCount> streams_;
  std::array<std::unique_ptr<wire::BacklogInflater>, wire::kLaneCount> inflaters_;
};

}  // namespace lienthong
