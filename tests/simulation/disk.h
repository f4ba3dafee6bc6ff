// One machine's disk in memory, which knows what would survive a power cut: the bytes of each file
// up to its last sync, and the names that were there when their folder was last synced.
//
// Threads: RocksDB's own threads use the file system; the rest is for the simulator's thread.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

#include "tests/simulation/dice.h"

namespace lienthong::sim {

class Background;

class Disk {
 public:
  Disk();
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  rocksdb::Env* env();

  // From now on every write and sync fails, until boot(). The database should be closed meanwhile.
  void stop();
  // The same by itself at the `count`-th write or sync of the log from now on (1: the next).
  void stop_at(int count);
  bool stopped() const;
  // Appends fail for want of space while set.
  void set_full(bool full);
  // The `count`-th read from now on fails (1: the next); 0: none does.
  void fail_read(int count);
  // Whether one did since the disk was booted.
  bool read_failed() const;
  // While set, reads do not fail nor count: the simulator looks by itself.
  void set_calm(bool calm);

  // What RocksDB has left for its threads is done now, or never: see background.h.
  void catch_up();
  std::size_t forced() const;
  // The database is about to be closed.
  void let_go();

  // How a stopped disk looks afterwards.
  enum class Loss {
    kNothing,    // the process was killed: the system had it all
    kUnsynced,   // the power was cut: what was not synced is gone
    kTorn,       // the same, but a part of the unsynced bytes had reached the disk
    kScattered,  // the same, but any of its pages had, whichever the disk wrote first; between
                 // them lie zeros. So with names: the first of those that were not synced are there
  };
  void boot(Loss loss, Dice& dice);

  // Turns a bit of a file of the stopped disk around; its name, empty: there was none.
  std::string rot(Dice& dice);

  // The files of a folder of the stopped disk, into one of the system; and the other way, in place
  // of what is there.
  void take_out(const std::string& folder, const std::string& to) const;
  void put_in(const std::string& from, const std::string& folder);

  // What a power cut would leave now; a backup that was made while the machine ran.
  struct Image;
  std::shared_ptr<const Image> copy() const;
  // The stopped disk becomes the copy.
  void restore(const Image& image);
  void wipe();  // the stopped disk becomes a new one

 private:
  class Files;
  std::shared_ptr<Files> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<Background> background_;
};

}  // namespace lienthong::sim
