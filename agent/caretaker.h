// What an office owes others and no call or session brings about: it looks every few seconds, if
// anything has changed. Threads: one of its own; the calls below from one thread.
#pragma once

#include <memory>

#include "agent/engine/engine.h"

namespace lienthong::agent {

class Caretaker {
 public:
  explicit Caretaker(Engine& engine);  // outlives this
  ~Caretaker();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
