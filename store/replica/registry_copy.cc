#include "store/replica/registry_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "protocol/record/codec.h"
#include "store/replica/log_files.h"
#include "store/replica/raw.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kHead = "lienthong registry 1\n";

Error io_error(const std::string& path) {
  return Error(errno == ENOSPC ? Errc::kDiskFull : Errc::kIo, path + ": " + std::strerror(errno));
}

Result<void> write_whole(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) return io_error(fresh);
  bool ok = true;
  while (ok && !bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  ok = ok && ::fsync(file) == 0;
  const Error problem = io_error(fresh);
  ::close(file);
  if (!ok) return problem;
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return io_error(path);
  return {};
}

}  // namespace

std::string registry_copy_path(const std::string& database_path) {
  return database_path + ".registry";
}

Result<void> write_registry_copy(const Replica& replica, const std::string& database_path) {
  std::string bytes(kHead);
  RawReplica(replica).database().scan("T", "T", [&](std::string_view, std::string_view value) {
    const Bytes statement = encode_statement(decode_statement_row(value).statement);
    bytes += encode_number(statement.size());
    bytes += as_text(statement);
    return true;
  });
  bytes += encode_number4(crc32c(bytes));
  return write_whole(registry_copy_path(database_path), bytes);
}

Result<std::vector<Statement>> read_registry_copy(const std::string& database_path) {
  const std::string path = registry_copy_path(database_path);
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Errc::kNotFound, path + ": no such file");
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const Error corrupt(Errc::kCorrupt, path + ": damaged");
  if (bytes.size() < kHead.size() + 4 || !bytes.starts_with(kHead)) return corrupt;
  std::string_view rest = std::string_view(bytes).substr(0, bytes.size() - 4);
  if (decode_number4(std::string_view(bytes).substr(rest.size())) != crc32c(rest)) return corrupt;
  rest.remove_prefix(kHead.size());
  std::vector<Statement> out;
  while (!rest.empty()) {
    if (rest.size() < 8) return corrupt;
    const std::uint64_t size = decode_number(rest.substr(0, 8));
    rest.remove_prefix(8);
    if (size > rest.size()) return corrupt;
    LT_TRY(Statement statement, decode_statement(as_bytes(rest.substr(0, size))));
    out.push_back(std::move(statement));
    rest.remove_prefix(size);
  }
  return out;
}

}  // namespace lienthong::store
