#include "agent/json/reasons.h"

#include <nlohmann/json.hpp>

namespace lienthong::agent {

using nlohmann::json;
using texts::Language;

json reason_json(texts::Reason reason, const std::vector<std::string>& values) {
  return {{"code", texts::code_of(reason)},
          {"values", values},
          {"text_en", texts::text_of(Language::kEnglish, reason, values)},
          {"text_vi", texts::text_of(Language::kVietnamese, reason, values)}};
}

void put_texts(json& out, std::string_view english) {
  out["text_en"] = texts::tell_text(Language::kEnglish, english);
  out["text_vi"] = texts::tell_text(Language::kVietnamese, english);
}

}  // namespace lienthong::agent
