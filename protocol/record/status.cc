#include "protocol/record/status.h"

#include <algorithm>
#include <array>

namespace lienthong {
namespace {

using enum Status;

template <class... Statuses>
constexpr std::uint16_t to(Statuses... statuses) {
  return static_cast<std::uint16_t>((0U | ... | (1U << static_cast<unsigned>(statuses))));
}

// Domain "States and transitions" (NĐ 61/2018; DVCQG 1–10).
constexpr std::array kStatuses = {
    StatusInfo{kRegistered, "registered", "Mới đăng ký", to(kAccepted, kRefused, kWithdrawn)},
    StatusInfo{kAccepted, "accepted", "Được tiếp nhận",
               to(kProcessing, kWithdrawn, kDone, kRefused)},
    StatusInfo{kRefused, "refused", "Không được tiếp nhận", to()},
    StatusInfo{kProcessing, "processing", "Đang xử lý",
               to(kSupplement, kPayment, kWithdrawn, kStopped, kDone, kRefused)},
    StatusInfo{kSupplement, "supplement", "Yêu cầu bổ sung giấy tờ",
               to(kProcessing, kStopped, kRefused, kWithdrawn)},
    StatusInfo{kPayment, "payment", "Yêu cầu thực hiện nghĩa vụ tài chính",
               to(kProcessing, kWithdrawn)},
    StatusInfo{kWithdrawn, "withdrawn", "Công dân yêu cầu rút hồ sơ", to()},
    StatusInfo{kStopped, "stopped", "Dừng xử lý", to(kProcessing)},
    StatusInfo{kDone, "done", "Đã xử lý xong", to(kReturned, kProcessing)},
    StatusInfo{kReturned, "returned", "Đã trả kết quả", to(kProcessing)},
};
constexpr std::uint16_t kFirst = to(kRegistered, kAccepted, kRefused);  // of what is new

constexpr std::size_t place_of(Status status) { return static_cast<std::size_t>(status) - 1; }

constexpr bool is_by_number() {
  for (std::size_t i = 0; i < kStatuses.size(); ++i)
    if (place_of(kStatuses[i].status) != i) return false;
  return true;
}
static_assert(is_by_number());

}  // namespace

std::span<const StatusInfo> all_statuses() { return kStatuses; }

std::optional<Status> status_from_number(std::int64_t number) {
  if (number < 1 || number > static_cast<std::int64_t>(kStatuses.size())) return std::nullopt;
  return static_cast<Status>(number);
}

std::string_view to_json(Status status) { return kStatuses[place_of(status)].json; }

std::optional<Status> status_from_json(std::string_view text) {
  const auto at = std::ranges::find(kStatuses, text, &StatusInfo::json);
  return at != kStatuses.end() ? std::optional(at->status) : std::nullopt;
}

bool transition_allowed(std::optional<Status> from, Status to_status) {
  if (from == to_status) return true;
  return ((from ? kStatuses[place_of(*from)].next : kFirst) & to(to_status)) != 0;
}

}  // namespace lienthong
