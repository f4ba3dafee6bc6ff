// The coroutines of the links: all are begun here, so that none is gone for good, and none unheard
// of, because an exception ended it (a row of the database that cannot be read, above all). Loop
// thread only.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/engine/engine.h"

namespace lienthong::agent {

class Children : public std::enable_shared_from_this<Children> {
 public:
  using Make = std::function<asio::awaitable<void>()>;

  // `engine` outlives the children; its faults are told what ended unexpectedly.
  Children(asio::any_io_executor executor, Engine& engine);

  // Runs one once. `failed` runs if an exception has ended it. `what` names it in the log.
  void spawn(const std::string& what, asio::awaitable<void> child, std::function<void()> failed);
  // Runs one until it ends by itself. After an exception it is made and begun anew, after a pause
  // that grows from one second to a minute.
  void keep(const std::string& what, Make make);
  // What a timer or an action of a child did: false, and noted, if an exception ended it.
  bool guard(const std::string& what, const std::function<void()>& work);
  void note(const std::string& what, const std::string& error);

  // None is begun anew any more; `done` runs when none is left.
  void stop(std::function<void()> done);
  std::size_t count() const { return count_; }

 private:
  static asio::awaitable<void> run(std::shared_ptr<Children> self, std::string what, Make make);
  void ended();

  asio::any_io_executor executor_;
  Engine& engine_;
  std::size_t count_ = 0;
  bool stopping_ = false;
  std::set<asio::steady_timer*> pauses_;
  std::function<void()> done_;
};

}  // namespace lienthong::agent
