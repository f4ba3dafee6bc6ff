// GET /v1/check: what an operator should know now, by the convention of monitoring programs.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "store/office/between.h"
#include "store/office/data_check.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr UnixMillis kLinkDownMillis = 3600LL * 1000;
constexpr UnixMillis kHandoffMillis = store::kDayMillis;

enum Level : int { kFine = 0, kWarning = 1, kCritical = 2 };

class Findings {
 public:
  void add(Level level, const char* code, std::string text_en, std::string text_vi) {
    state_ = std::max<int>(state_, level);
    messages_.push_back({{"level", level == kCritical ? "critical" : "warning"},
                         {"code", code},
                         {"text_en", std::move(text_en)},
                         {"text_vi", std::move(text_vi)}});
  }
  json take() { return {{"state", state_}, {"messages", std::move(messages_)}}; }

 private:
  int state_ = kFine;
  json messages_ = json::array();
};

void check_writer(Findings& out, const ApiContext& api) {
  const auto written = api.engine.write([](store::Transaction&) -> Result<void> { return {}; });
  if (written.ok()) return;
  const std::string detail = written.error().detail();
  if (written.error().code() == Errc::kDiskFull)
    return out.add(kCritical, "disk-full", "the disk is full, nothing can be written: " + detail,
                   "đĩa đã đầy, không ghi được gì: " + detail);
  out.add(kCritical, "replica-failed", "the replica takes no changes: " + written.error().message(),
          "kho dữ liệu không nhận thay đổi: " + written.error().message());
}

void check_links(Findings& out, const ApiContext& api, const Registry& registry) {
  for (const NeighbourStatus& neighbour : api.links.neighbours()) {
    if (neighbour.state == LinkState::kConnected) continue;
    const UnixMillis since =
        neighbour.last_contact != 0 ? neighbour.last_contact : api.config.started_at;
    if (api.now() - since < kLinkDownMillis) continue;
    const std::string code = agency_code(neighbour.agency, registry);
    const std::string time = format_time(since);
    if (neighbour.last_contact != 0)
      out.add(kWarning, "link-down", "no link with " + code + " since " + time,
              "mất kết nối với " + code + " từ " + time);
    else
      out.add(kWarning, "link-down", "no link with " + code + " since this agent started, " + time,
              "chưa kết nối được với " + code + " từ khi khởi động, " + time);
  }
}

void check_handoffs(Findings& out, const ApiContext& api) {
  const auto [incoming, outgoing] = store::old_offers(api.replica(), api.now(), kHandoffMillis,
                                                      [&api] { return api.stopping.load(); });
  if (incoming != 0)
    out.add(kWarning, "handoff-in-pending",
            std::to_string(incoming) +
                " dossiers offered to us for more than a day wait for our answer",
            std::to_string(incoming) +
                " hồ sơ được bàn giao cho cơ quan mình quá một ngày mà chưa tiếp nhận");
  if (outgoing != 0)
    out.add(
        kWarning, "handoff-out-pending",
        std::to_string(outgoing) + " dossiers that we offered more than a day ago have no answer",
        std::to_string(outgoing) + " hồ sơ đã bàn giao quá một ngày mà bên nhận chưa trả lời");
}

void check_clock(Findings& out, const ApiContext& api) {
  if (!store::clock_doubtful(api.replica(), api.now())) return;
  const std::string newest = format_time(api.replica().newest_time());
  out.add(kWarning, "clock-doubtful",
          "the clock of this machine is behind the newest change here, of " + newest +
              ": set it, deadlines would be wrong",
          "đồng hồ máy này chậm hơn thay đổi mới nhất, lúc " + newest +
              ": hãy chỉnh lại, nếu không hạn xử lý sẽ sai");
}

void check_counts(Findings& out, const store::Replica& replica) {
  const store::Counts counts = replica.counts();
  if (counts.refused != 0)
    out.add(
        kWarning, "refused",
        std::to_string(counts.refused) +
            " updates of others were refused; see lienthong quarantine",
        std::to_string(counts.refused) + " cập nhật nhận về bị từ chối; xem lienthong quarantine");
  if (replica.restored())
    out.add(kWarning, "restored",
            "this database was restored from an older state: custody of older dossiers waits until "
            "the neighbours "
            "have given everything back",
            "kho dữ liệu được khôi phục từ bản cũ: chưa bàn giao được hồ sơ cũ cho đến khi các cơ "
            "quan lân cận "
            "gửi lại đủ dữ liệu");
}

}  // namespace

void get_check(ApiCall& call) {
  Findings out;
  check_writer(out, call.api);
  check_links(out, call.api, *call.api.replica().registry());
  check_handoffs(out, call.api);
  check_counts(out, call.api.replica());
  check_clock(out, call.api);
  send_json(call.response, out.take());
}

}  // namespace lienthong::agent
