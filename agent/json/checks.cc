#include "agent/json/checks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "protocol/base/bytes.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kDigestCharsMax = 128;
constexpr std::size_t kPostalCodeDigits = 5;
constexpr double kScoreMax = 100;

Error wrong(std::size_t index, const std::string& detail) {
  return Error(Errc::kInvalidArgument, "item " + std::to_string(index + 1) + ", " + detail);
}

Result<void> check_digest(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text != nullptr && text->size() <= kDigestCharsMax && from_hex(*text).ok()) return {};
  return Error(Errc::kInvalidArgument, "must be hexadecimal, at most 128 digits");
}

// The national postal code: text, since it may begin with 0.
Result<void> check_postal_code(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text != nullptr && text->size() == kPostalCodeDigits && std::ranges::all_of(*text, is_digit))
    return {};
  return Error(Errc::kInvalidArgument, "must be text of exactly five digits, such as \"51000\"");
}

Result<void> check_answer(const json& answer, std::size_t index) {
  if (!answer.is_object())
    return wrong(index, "must be an object with question, score, channel and at");
  for (const auto& [name, value] : answer.items()) {
    if (name == "question" || name == "channel") {
      if (!value.is_string()) return wrong(index, name + ": must be a string");
    } else if (name == "score") {
      if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > kScoreMax)
        return wrong(index, "score: must be a number from 0 to 100");
    } else if (name == "at") {
      if (const auto time = read_time(value); !time.ok())
        return wrong(index, "at: " + time.error().detail());
    } else {
      return wrong(index, name + ": unknown field; an answer has question, score, channel and at");
    }
  }
  const auto question = answer.find("question");
  if (question == answer.end() || !check_name(question->get<std::string>()).ok())
    return wrong(index, "question: missing");
  return {};
}

Result<void> check_survey(const json& value) {
  if (!value.is_array()) return Error(Errc::kInvalidArgument, "must be a list of answers");
  for (std::size_t i = 0; i < value.size(); ++i) LT_TRY_VOID(check_answer(value[i], i));
  return {};
}

}  // namespace

Result<void> check_value(const FieldInfo& info, const json& value) {
  if (info.field == Field::kResultDigest) return check_digest(value);
  if (info.field == Field::kApplicantPostalCode) return check_postal_code(value);
  if (info.field == Field::kSurvey) return check_survey(value);
  return {};
}

Result<void> check_name(const std::string& name) {
  if (name.find_first_not_of(" \t\r\n") != std::string::npos) return {};
  return Error(Errc::kInvalidArgument, "needs a name");
}

}  // namespace lienthong::agent
