#include "tests/simulation/disk.h"

#include <rocksdb/file_system.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/background.h"

namespace lienthong::sim {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

struct File {
  std::string bytes;
  std::size_t synced = 0;
};
using Names = std::map<std::string, std::shared_ptr<File>>;
using Renaming = std::vector<std::pair<std::string, std::shared_ptr<File>>>;  // null: away

constexpr std::size_t kPageBytes = 4096;

// Pages that were not synced reach the disk or not, each by itself.
std::string scattered(const File& file, Dice& dice) {
  std::string out = file.bytes.substr(0, file.synced);
  const double part = dice.unit();
  for (std::size_t at = file.synced; at < file.bytes.size();) {
    const std::size_t end = std::min(file.bytes.size(), (at / kPageBytes + 1) * kPageBytes);
    if (dice.chance(part)) {
      out.resize(at, '\0');
      out += file.bytes.substr(at, end - at);
    }
    at = end;
  }
  return out;
}

// `/a//b/` and `/a/b` are one name.
std::string plain(const std::string& path) {
  std::string out;
  for (const char c : path)
    if (c != '/' || out.empty() || out.back() != '/') out += c;
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
bool is_log(const std::string& path) { return path.ends_with(".log"); }

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};

struct Lock final : rocksdb::FileLock {
  explicit Lock(std::string n) : name(std::move(n)) {}
  std::string name;
};

}  // namespace

struct Disk::Image {
  Names names;
};

class Disk::Files final : public rocksdb::FileSystem {
 public:
  const char* Name() const override { return "simulated disk"; }

  // ---- the simulator's side ----
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  void stop_at(int count) {
    const std::lock_guard lock(mutex_);
    fuse_ = count;
  }
  bool stopped() const {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }
  void set_full(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }
  void fail_read(int count) {
    const std::lock_guard lock(mutex_);
    reads_left_ = count;
  }
  bool read_failed() const {
    const std::lock_guard lock(mutex_);
    return read_failed_;
  }
  void set_calm(bool calm) {
    const std::lock_guard lock(mutex_);
    calm_ = calm;
  }
  void boot(Loss loss, Dice& dice) {
    const std::lock_guard lock(mutex_);
    if (loss == Loss::kScattered) {
      for (std::size_t i = dice.below(renamings_.size() + 1), at = 0; at < i; ++at)
        rename(durable_, renamings_[at]);
      Names left;
      for (const auto& [name, file] : durable_) left[name] = made(scattered(*file, dice));
      live_ = std::move(left);
    } else if (loss != Loss::kNothing) {
      live_ = surviving(loss == Loss::kTorn ? dice.unit() : 0);
    }
    durable_ = live_;
    renamings_.clear();
    locked_.clear();
    stopped_ = false;
    read_failed_ = false;
    reads_left_ = 0;
    fuse_ = 0;
  }
  Names surviving(double part) const {
    Names out;
    for (const auto& [name, file] : durable_) {
      const auto kept =
          static_cast<std::size_t>(static_cast<double>(file->bytes.size() - file->synced) * part);
      out.emplace(name, made(file->bytes.substr(0, file->synced + kept)));
    }
    return out;
  }
  std::string rot(Dice& dice) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, file] : live_)
      if (!file->bytes.empty()) names.push_back(name);
    if (names.empty()) return {};
    const std::string& name = names[dice.below(names.size())];
    auto copy = made(live_[name]->bytes);  // copies of the disk keep theirs
    copy->bytes[dice.below(copy->bytes.size())] ^= static_cast<char>(1U << dice.below(8));
    live_[name] = durable_[name] = copy;
    return name;
  }
  std::shared_ptr<const Image> copy() const {
    const std::lock_guard lock(mutex_);
    auto image = std::make_shared<Image>();
    image->names = surviving(0);
    return image;
  }
  void restore(const Image& image) {
    const std::lock_guard lock(mutex_);
    durable_ = image.names;
    live_ = surviving(0);  // copies: the image may be restored again
    durable_ = live_;
    renamings_.clear();
  }

  void take_out(const std::string& folder, const std::string& to) const {
    const std::lock_guard lock(mutex_);
    std::filesystem::create_directories(to);
    for (const auto& [name, file] : live_)
      if (folder_of(name) == folder)
        std::ofstream(to + name.substr(folder.size()), std::ios::binary) << file->bytes;
  }
  void put_in(const std::string& from, const std::string& folder) {
    const std::lock_guard lock(mutex_);
    live_.clear();
    for (const auto& entry : std::filesystem::directory_iterator(from)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      live_[folder + "/" + entry.path().filename().string()] =
          made(std::string(std::istreambuf_iterator<char>(in), {}));
    }
    durable_ = live_;
    renamings_.clear();
  }

  // ---- files ----
  IOStatus append(const std::string& name, File& file, const Slice& data) {
    const std::lock_guard lock(mutex_);
    if (auto status = writable(name); !status.ok()) return status;
    if (full_) return IOStatus::NoSpace("the disk is full");
    file.bytes.append(data.data(), data.size());
    return IOStatus::OK();
  }
  IOStatus sync(const std::string& name, File& file) {
    const std::lock_guard lock(mutex_);
    if (auto status = writable(name); !status.ok()) return status;
    file.synced = file.bytes.size();
    return IOStatus::OK();
  }
  IOStatus truncate(const std::string& name, File& file, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    if (auto status = writable(name); !status.ok()) return status;
    file.bytes.resize(size);
    file.synced = std::min<std::size_t>(file.synced, size);
    return IOStatus::OK();
  }
  IOStatus read(const File& file, std::uint64_t offset, std::size_t size, Slice* result,
                char* out) {
    const std::lock_guard lock(mutex_);
    *result = Slice(out, 0);
    if (!calm_ && reads_left_ > 0 && --reads_left_ == 0) {
      read_failed_ = true;
      return IOStatus::IOError("the disk does not read");
    }
    const std::size_t at = std::min<std::size_t>(offset, file.bytes.size());
    const std::size_t n = std::min(size, file.bytes.size() - at);
    std::memcpy(out, file.bytes.data() + at, n);
    *result = Slice(out, n);
    return IOStatus::OK();
  }
  std::uint64_t size(const File& file) const {
    const std::lock_guard lock(mutex_);
    return file.bytes.size();
  }
  IOStatus sync_folder(const std::string& folder) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return IOStatus::IOError("the disk has stopped");
    std::erase_if(durable_, [&](const auto& entry) { return folder_of(entry.first) == folder; });
    for (const auto& [name, file] : live_)
      if (folder_of(name) == folder) durable_.emplace(name, file);
    std::erase_if(renamings_, [&](const Renaming& renaming) {
      return folder_of(renaming.front().first) == folder;
    });
    return IOStatus::OK();
  }

  // ---- rocksdb::FileSystem ----
  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext*) override;
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext*) override;
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext*) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) override;
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    const std::string name = plain(path);
    return live_.contains(name) || folders_.contains(name) ? IOStatus::OK()
                                                           : IOStatus::NotFound(name);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* result,
                       IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    const std::string folder = plain(path);
    result->clear();
    if (!folders_.contains(folder)) return IOStatus::NotFound(folder);
    for (const auto& [name, file] : live_)
      if (folder_of(name) == folder) result->push_back(name.substr(folder.size() + 1));
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    if (stopped_) return IOStatus::IOError("the disk has stopped");
    if (live_.erase(plain(path)) == 0) return IOStatus::NotFound(path);
    renamings_.push_back({{plain(path), nullptr}});
    return IOStatus::OK();
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override {
    return CreateDirIfMissing(path, options, debug);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    folders_.insert(plain(path));  // folders last: only names in them can be lost
    return IOStatus::OK();
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    folders_.erase(plain(path));
    return IOStatus::OK();
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, std::uint64_t* bytes,
                       IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    const auto at = live_.find(plain(path));
    if (at == live_.end()) return IOStatus::NotFound(path);
    *bytes = at->second->bytes.size();
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, std::uint64_t* time,
                                   IODebugContext*) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    if (stopped_) return IOStatus::IOError("the disk has stopped");
    const auto at = live_.find(plain(from));
    if (at == live_.end()) return IOStatus::NotFound(from);
    const auto file = at->second;
    live_.erase(at);
    live_[plain(to)] = file;
    renamings_.push_back({{plain(from), nullptr}, {plain(to), file}});
    return IOStatus::OK();
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    const std::lock_guard guard(mutex_);
    if (!locked_.insert(plain(path)).second) return IOStatus::IOError("lock " + path + " is held");
    *lock = new Lock(plain(path));
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    const std::unique_ptr<Lock> mine(static_cast<Lock*>(lock));
    const std::lock_guard guard(mutex_);
    locked_.erase(mine->name);
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) override {
    *path = "/test";
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext*) override {
    *result = std::make_shared<SilentLogger>();
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out,
                           IODebugContext*) override {
    *out = plain(path);
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is,
                       IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    *is = folders_.contains(plain(path));
    return IOStatus::OK();
  }

 private:
  // With the mutex held. The fuse counts the log only: other files are written by threads of
  // RocksDB, whose order no seed decides.
  IOStatus writable(const std::string& name) {
    if (!stopped_ && fuse_ > 0 && is_log(name) && --fuse_ == 0) stopped_ = true;
    return stopped_ ? IOStatus::IOError("the disk has stopped") : IOStatus::OK();
  }
  std::shared_ptr<File> find(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto at = live_.find(plain(path));
    return at == live_.end() ? nullptr : at->second;
  }

  static std::shared_ptr<File> made(std::string bytes) {
    auto file = std::make_shared<File>();
    file->bytes = std::move(bytes);
    file->synced = file->bytes.size();
    return file;
  }
  static void rename(Names& names, const Renaming& renaming) {
    for (const auto& [name, file] : renaming)
      if (file)
        names[name] = file;
      else
        names.erase(name);
  }

  mutable std::mutex mutex_;
  Names live_, durable_;
  std::vector<Renaming> renamings_;  // since their folder was synced, in order
  std::set<std::string> folders_, locked_;
  bool stopped_ = false;
  bool full_ = false;
  int fuse_ = 0;        // 0: none
  int reads_left_ = 0;  // 0: none fails
  bool read_failed_ = false;
  bool calm_ = false;

  class Sequential final : public rocksdb::FSSequentialFile {
   public:
    Sequential(Files& files, std::shared_ptr<File> file) : files_(files), file_(std::move(file)) {}
    IOStatus Read(std::size_t n, const IOOptions&, Slice* result, char* out,
                  IODebugContext*) override {
      auto status = files_.read(*file_, at_, n, result, out);
      at_ += result->size();
      return status;
    }
    IOStatus Skip(std::uint64_t n) override {
      at_ += n;
      return IOStatus::OK();
    }

   private:
    Files& files_;
    std::shared_ptr<File> file_;
    std::uint64_t at_ = 0;
  };
  class Random final : public rocksdb::FSRandomAccessFile {
   public:
    Random(Files& files, std::shared_ptr<File> file) : files_(files), file_(std::move(file)) {}
    IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions&, Slice* result, char* out,
                  IODebugContext*) const override {
      return files_.read(*file_, offset, n, result, out);
    }

   private:
    Files& files_;
    std::shared_ptr<File> file_;
  };
  class Writable final : public rocksdb::FSWritableFile {
   public:
    Writable(Files& files, std::string name, std::shared_ptr<File> file)
        : files_(files), name_(std::move(name)), file_(std::move(file)) {}
    using rocksdb::FSWritableFile::Append;
    IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
      return files_.append(name_, *file_, data);
    }
    IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
      return files_.truncate(name_, *file_, size);
    }
    IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
    IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
    IOStatus Sync(const IOOptions&, IODebugContext*) override { return files_.sync(name_, *file_); }
    IOStatus Fsync(const IOOptions&, IODebugContext*) override {
      return files_.sync(name_, *file_);
    }
    bool IsSyncThreadSafe() const override { return true; }
    std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
      return files_.size(*file_);
    }

   private:
    Files& files_;
    std::string name_;
    std::shared_ptr<File> file_;
  };
  class Folder final : public rocksdb::FSDirectory {
   public:
    Folder(Files& files, std::string name) : files_(files), name_(std::move(name)) {}
    IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.sync_folder(name_); }
    IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

   private:
    Files& files_;
    std::string name_;
  };
};

IOStatus Disk::Files::NewSequentialFile(const std::string& path, const FileOptions&,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                        IODebugContext*) {
  auto file = find(path);
  if (!file) return IOStatus::NotFound(path);
  *result = std::make_unique<Sequential>(*this, std::move(file));
  return IOStatus::OK();
}

IOStatus Disk::Files::NewRandomAccessFile(const std::string& path, const FileOptions&,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                          IODebugContext*) {
  auto file = find(path);
  if (!file) return IOStatus::NotFound(path);
  *result = std::make_unique<Random>(*this, std::move(file));
  return IOStatus::OK();
}

IOStatus Disk::Files::NewWritableFile(const std::string& path, const FileOptions&,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      IODebugContext*) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return IOStatus::IOError("the disk has stopped");
  auto file = std::make_shared<File>();
  live_[plain(path)] = file;
  renamings_.push_back({{plain(path), file}});
  *result = std::make_unique<Writable>(*this, plain(path), std::move(file));
  return IOStatus::OK();
}

IOStatus Disk::Files::NewDirectory(const std::string& path, const IOOptions&,
                                   std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) {
  *result = std::make_unique<Folder>(*this, plain(path));
  return IOStatus::OK();
}

Disk::Disk()
    : files_(std::make_shared<Files>()),
      env_(rocksdb::NewCompositeEnv(files_)),
      background_(std::make_unique<Background>(env_.get())) {}
Disk::~Disk() = default;
rocksdb::Env* Disk::env() { return background_.get(); }
void Disk::stop() { files_->stop(); }
void Disk::stop_at(int count) { files_->stop_at(count); }
bool Disk::stopped() const { return files_->stopped(); }
void Disk::set_full(bool full) { files_->set_full(full); }
void Disk::fail_read(int count) { files_->fail_read(count); }
bool Disk::read_failed() const { return files_->read_failed(); }
void Disk::set_calm(bool calm) { files_->set_calm(calm); }
void Disk::catch_up() { background_->catch_up(); }
std::size_t Disk::forced() const { return background_->forced(); }
void Disk::let_go() { background_->open(); }
void Disk::boot(Loss loss, Dice& dice) {
  background_->shut();
  files_->boot(loss, dice);
}
std::string Disk::rot(Dice& dice) { return files_->rot(dice); }
std::shared_ptr<const Disk::Image> Disk::copy() const { return files_->copy(); }
void Disk::restore(const Image& image) { files_->restore(image); }
void Disk::take_out(const std::string& folder, const std::string& to) const {
  files_->take_out(folder, to);
}
void Disk::put_in(const std::string& from, const std::string& folder) {
  files_->put_in(from, folder);
}
void Disk::wipe() { files_->restore(Image{}); }

}  // namespace lienthong::sim
