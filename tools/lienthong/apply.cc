#include "tools/lienthong/apply.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

// FNV-1a: the same for the same line in every run, so that keys made of it are too.
std::uint64_t line_hash(std::string_view line) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : line) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

Json error_object(const char* code, std::string message) {
  return {{"code", code}, {"message", std::move(message)}};
}

// Cuts a stream into lines of bounded length.
class LineReader {
 public:
  explicit LineReader(std::istream& input) : input_(input) {}

  // False at the end. A line over the limit comes back empty with `too_long` set.
  bool next(std::string& line, bool& too_long) {
    line.clear();
    too_long = false;
    bool any = false;
    for (;;) {
      if (at_ == size_ && !refill()) return any;
      any = true;
      const std::string_view rest(buffer_.data() + at_, size_ - at_);
      const std::size_t end = rest.find('\n');
      const std::string_view piece = rest.substr(0, end);
      if (line.size() + piece.size() > kLineBytesMax) {
        too_long = true;
        line.clear();
      }
      if (!too_long) line += piece;
      at_ += end == std::string_view::npos ? rest.size() : end + 1;
      if (end != std::string_view::npos) return true;
    }
  }
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  bool refill() {
    input_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    size_ = static_cast<std::size_t>(input_.gcount());
    at_ = 0;
    bytes_read_ += size_;
    return size_ > 0;
  }

  std::istream& input_;
  std::array<char, 65536> buffer_{};
  std::size_t at_ = 0, size_ = 0;
  std::uint64_t bytes_read_ = 0;
};

class Sender {
 public:
  Sender(const Client& client, const ApplyOptions& options)
      : client_(client), options_(options), whole_(options.atomic || options.dry_run) {}

  void refuse(std::uint64_t line, Json error) {
    outcome_.refused.push_back({line, std::move(error)});
    if (options_.on_refused) options_.on_refused(outcome_.refused.back());
  }

  void add(std::uint64_t number, std::string line) {
    line = told_apart(std::move(line));
    const std::size_t limit = whole_ ? kAtomicBytesMax : kPartBytesMax;
    if (body_.size() + line.size() + 1 > limit) {
      if (options_.atomic) {
        throw Failure(kFailed, tr("a file to be applied as a whole is at most 8 MB"));
      }
      if (whole_) throw Failure(kFailed, tr("a file is tried as a whole: at most 8 MB"));
      flush();
    }
    starts_.push_back(body_.size());
    body_ += line;
    body_ += '\n';
    numbers_.push_back(number);
    if (!whole_ && numbers_.size() == kPartLinesMax) flush();
  }

  void flush() {
    if (numbers_.empty()) return;
    if (options_.atomic && !outcome_.refused.empty()) {
      for (const std::uint64_t number : numbers_) {
        refuse(number, error_object("not-applied", ""));
      }
    } else {
      take(client_.operations(body_, options_.atomic, options_.dry_run));
    }
    earlier_.insert(hashes_.begin(), hashes_.end());
    hashes_.clear();
    body_.clear();
    numbers_.clear();
    starts_.clear();
  }

  ApplyOutcome& outcome() { return outcome_; }

 private:
  // The agent gives a line without a key one made of its text and of how often it has come in this
  // part. A line that was in an earlier part already gets one here, so that it is not taken for it.
  std::string told_apart(std::string line) {
    const std::uint64_t hash = line_hash(line);
    hashes_.push_back(hash);
    if (!earlier_.contains(hash)) return line;
    Json operation = Json::parse(line, nullptr, false);
    if (!operation.is_object() || operation.contains("key")) return line;
    operation["key"] = fmt::format("line {:016x} again {}", hash, ++again_[hash]);
    return operation.dump();
  }

  // Whether the line begins a record and says nothing that tells it from the same of another day.
  bool begins_plainly(std::size_t index) const {
    const std::size_t end = body_.find('\n', starts_[index]);
    const Json line =
        Json::parse(body_.substr(starts_[index], end - starts_[index]), nullptr, false);
    if (!line.is_object() || line.value("op", "") != "create" || line.contains("key")) return false;
    return std::ranges::none_of(
        line, [](const Json& record) { return record.is_object() && record.contains("code"); });
  }

  // The agent counts the lines of a part; people count those of the file.
  static Json placed(Json error, std::size_t index, std::uint64_t number) {
    const std::string prefix = fmt::format("line {}", index);
    const std::string place = error.value("place", "");
    if (place.starts_with(prefix)) {
      error["place"] = fmt::format("line {}{}", number, place.substr(prefix.size()));
    }
    return error;
  }

  void take(const std::vector<Json>& results) {
    std::vector<bool> answered(numbers_.size(), false);
    for (const Json& result : results) {
      const std::size_t index = result.value("line", std::size_t{0});
      if (index == 0 || index > numbers_.size() || answered[index - 1]) {
        throw Failure(kFailed, tr("the agent answered about a line that was not sent"));
      }
      answered[index - 1] = true;
      if (!result.value("ok", false)) {
        refuse(numbers_[index - 1],
               placed(result.value("error", Json::object()), index, numbers_[index - 1]));
      } else if (result.value("repeated", false)) {
        ++outcome_.repeated;
        if (options_.on_known)
          options_.on_known(
              {numbers_[index - 1], result.value("code", ""), begins_plainly(index - 1)});
      } else {
        ++outcome_.applied;
        if (options_.on_applied) options_.on_applied(numbers_[index - 1], result);
      }
    }
    for (std::size_t i = 0; i < answered.size(); ++i) {
      if (!answered[i]) refuse(numbers_[i], error_object("closed", "the agent gave no answer"));
    }
  }

  const Client& client_;
  const ApplyOptions& options_;
  const bool whole_;  // in one request
  ApplyOutcome outcome_;
  std::string body_;
  std::vector<std::size_t> starts_;     // of the lines in it
  std::vector<std::uint64_t> numbers_;  // of the lines in body_
  std::vector<std::uint64_t> hashes_;   // of the same
  std::unordered_set<std::uint64_t> earlier_;
  std::unordered_map<std::uint64_t, std::uint64_t> again_;
};

}  // namespace

ApplyOutcome apply_lines(std::istream& input, const Client& client, const ApplyOptions& options) {
  LineReader reader(input);
  Sender sender(client, options);
  std::string line;
  bool too_long = false;
  for (std::uint64_t number = 1; reader.next(line, too_long); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (!too_long && line.find_first_not_of(" \t") == std::string::npos) continue;
    ++sender.outcome().lines;
    if (too_long) {
      if (!options.atomic && !options.dry_run)
        sender.flush();  // so that refusals come in the order of the file
      sender.refuse(number, error_object("too-large", "a line is at most 1 MiB"));
      continue;
    }
    sender.add(number, options.rewrite ? options.rewrite(std::move(line)) : std::move(line));
    if (options.on_progress) options.on_progress(sender.outcome(), reader.bytes_read());
  }
  sender.flush();
  std::ranges::stable_sort(sender.outcome().refused, {}, &RefusedLine::line);
  if (options.on_progress) options.on_progress(sender.outcome(), reader.bytes_read());
  return std::move(sender.outcome());
}

}  // namespace lienthong::tools
