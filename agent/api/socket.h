// The UNIX socket of the local API: its file, and its rights. Private to api_*.cc.
#pragma once

#include <httplib.h>
#include <sys/stat.h>

#include <string>

#include "protocol/base/result.h"

namespace lienthong::agent {

// httplib listens with 5; a burst of clients that do not block while they connect would be turned
// away.
inline constexpr int kApiBacklog = 128;

class SocketFile {
 public:
  // Binds and listens, for the server to go on with listen_after_bind(); removes a stale file.
  // Fails: kBusy (another agent answers there), kConflict (the path is no socket),
  // kInvalidArgument (path too long), kIo.
  Result<void> open(httplib::Server& server, const std::string& path);
  // The file, if it is still ours.
  void remove() const;

 private:
  std::string path_;
  struct stat made_ {};
  int listener_ = -1;  // owned by the server
};

}  // namespace lienthong::agent
