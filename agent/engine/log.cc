#include "agent/engine/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "agent/engine/log_budget.h"

namespace lienthong::agent {
namespace {

using Ring = spdlog::sinks::ringbuffer_sink_mt;

// systemd names the journal's stream here when standard error leads to it.
bool under_journal() { return std::getenv("JOURNAL_STREAM") != nullptr; }

// What passes the budget goes to all of them.
class BoundedSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  BoundedSink(std::vector<spdlog::sink_ptr> sinks, std::shared_ptr<Ring> ring)
      : sinks_(std::move(sinks)), ring_(std::move(ring)) {
    sinks_.push_back(ring_);
  }
  const std::shared_ptr<Ring>& ring() const { return ring_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const UnixMillis now =
        std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch())
            .count();
    const std::string_view line(message.payload.data(), message.payload.size());
    for (const LogBudget::Dropped& dropped : budget_.over(now)) {
      const std::string text = "event=log_bounded of=" + dropped.event +
                               " lines_left_out=" + std::to_string(dropped.lines);
      pass(spdlog::details::log_msg(message.logger_name, spdlog::level::warn, text));
    }
    if (budget_.take(line, message.level <= spdlog::level::debug, now)) pass(message);
  }
  void flush_() override {
    for (const auto& each : sinks_) each->flush();
  }
  void pass(const spdlog::details::log_msg& message) {
    for (const auto& each : sinks_) each->log(message);
  }

  std::vector<spdlog::sink_ptr> sinks_;
  std::shared_ptr<Ring> ring_;
  LogBudget budget_;
};

std::shared_ptr<Ring> find_ring() {
  for (const auto& sink : spdlog::default_logger()->sinks()) {
    if (const auto bounded = std::dynamic_pointer_cast<BoundedSink>(sink)) return bounded->ring();
  }
  return nullptr;
}

std::string to_text(spdlog::string_view_t view) { return {view.data(), view.size()}; }

}  // namespace

void start_log(std::string_view level) {
  std::vector<spdlog::sink_ptr> sinks;
  if (under_journal()) {
    sinks.push_back(std::make_shared<spdlog::sinks::systemd_sink_mt>("lienthongd"));
  } else {
    auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    console->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    sinks.push_back(std::move(console));
  }
  auto bounded =
      std::make_shared<BoundedSink>(std::move(sinks), std::make_shared<Ring>(kRecentLineCount));
  auto logger = std::make_shared<spdlog::logger>("lienthongd", std::move(bounded));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

void set_log_level(std::string_view level) {
  auto chosen = spdlog::level::info;
  if (level == "error") chosen = spdlog::level::err;
  if (level == "warn") chosen = spdlog::level::warn;
  if (level == "debug") chosen = spdlog::level::debug;
  spdlog::set_level(chosen);
}

std::string in_quotes(std::string_view text, std::string_view byte_escape) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += byte_escape;
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::vector<LogLine> recent_log_lines(std::size_t limit) {
  std::vector<LogLine> lines;
  const auto ring = find_ring();
  if (!ring) return lines;
  for (const auto& message : ring->last_raw(limit)) {
    LogLine line;
    line.at = std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch())
                  .count();
    line.level = to_text(spdlog::level::to_string_view(message.level));
    line.text = to_text(message.payload);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace lienthong::agent
