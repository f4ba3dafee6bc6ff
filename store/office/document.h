// Documents in and out (văn bản đến, đi): how they are numbered, and how far what was sent has got
// (domain: NĐ 30/2020, QCVN 102:2016 trace statuses). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/record/fold.h"
#include "store/office/calendar.h"

namespace lienthong::store {

inline constexpr std::int64_t kDocumentNumberMax = 9'999'999;

// Statuses of edXML's trace list.
inline constexpr int kReceiptNone = 0;  // sent; that it has arrived is not known here
inline constexpr int kReceiptArrived = 1;
inline constexpr int kReceiptDeclined = 2;
inline constexpr int kReceiptAccepted = 3;
inline constexpr int kReceiptAssigned = 4;
inline constexpr int kReceiptInWork = 5;
inline constexpr int kReceiptDone = 6;
std::string_view receipt_name(int receipt);  // "sent", "arrived", …

// Whether the record is known to lie at the agency that it is offered to.
enum class Arrived : std::uint8_t { kNo, kYes };
// Of a copy that was sent, or of a document that came in otherwise (at least accepted).
int receipt_of(const RecordState& document, Arrived arrived);

// `<agency>-DEN-<year>-<number>`, `<agency>-DI.<register>-<year>-<number>`; the register is left
// out where the agency keeps one for each direction. At least four digits.
std::string document_code(std::string_view agency, std::string_view direction,
                          std::string_view book, int year, std::int64_t number);

}  // namespace lienthong::store
