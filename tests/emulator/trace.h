// A log of the packets on an emulated network, one line each, to see where the time goes.
// docs/benchmarks.md, "Link emulator". Threads: none.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>

#include "protocol/base/result.h"
#include "tests/emulator/pipe.h"

namespace lienthong::emulator {

class Trace final {
 public:
  Trace() = default;  // logs nothing
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // Empties the file and writes the names of the columns. Fails: kIo.
  Result<void> open(const std::string& path);
  // An IPv4 packet (at least 20 bytes) enters a node's pipe; `arrives`: none when it was dropped,
  // `fate` then says why.
  void entered(const std::string& node, bool down, std::span<const unsigned char> packet, Nanos now,
               std::optional<Nanos> arrives, const char* fate);
  // One that was to arrive now did not: the link was down.
  void gone(const std::string& node, bool down, std::span<const unsigned char> packet, Nanos now);
  // To be called when there is nothing else to do: lines are kept until then.
  void flush();

 private:
  void write(const std::string& node, bool down, std::span<const unsigned char> packet, Nanos now,
             const char* fate);
  std::FILE* file_ = nullptr;
};

}  // namespace lienthong::emulator
