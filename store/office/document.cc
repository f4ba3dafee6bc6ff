#include "store/office/document.h"

#include <algorithm>
#include <cstdio>

#include "protocol/record/registers.h"

namespace lienthong::store {

std::string_view receipt_name(int receipt) {
  switch (receipt) {
    case kReceiptArrived: return "arrived";
    case kReceiptDeclined: return "declined";
    case kReceiptAccepted: return "accepted";
    case kReceiptAssigned: return "assigned";
    case kReceiptInWork: return "in-work";
    case kReceiptDone: return "done";
    default: return "sent";
  }
}

int receipt_of(const RecordState& document, Arrived arrived) {
  if (document.chain.empty()) return kReceiptNone;
  const bool is_copy = !document.lead.is_zero();
  if (!document.offered.is_zero()) return arrived == Arrived::kYes ? kReceiptArrived : kReceiptNone;
  if (is_copy && document.holder == document.origin)
    return document.chain.back().kind == UpdateKind::kDecline ? kReceiptDeclined : kReceiptNone;
  const auto written = open_integer(document, Field::kReceipt);
  const auto said = written ? static_cast<int>(*written) : kReceiptAccepted;
  return std::clamp(said, kReceiptAccepted, kReceiptDone);
}

std::string document_code(std::string_view agency, std::string_view direction,
                          std::string_view book, int year, std::int64_t number) {
  char tail[40];
  std::snprintf(tail, sizeof tail, "-%04d-%04lld", year, static_cast<long long>(number));
  std::string out(agency);
  out += direction == "in" ? "-DEN" : "-DI";
  if (!book.empty()) out += "." + std::string(book);
  return out + tail;
}

}  // namespace lienthong::store
