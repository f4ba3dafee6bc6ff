// Reasons in JSON: a code for programs, the values in its text, and the text in each language.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/texts/reasons.h"

namespace lienthong::agent {

// {"code":"link-down","values":["Xã Tam Dân (H47.12.05)"],"text_en":…,"text_vi":…}
nlohmann::json reason_json(texts::Reason reason, const std::vector<std::string>& values = {});
// text_en and text_vi of a reason that was kept in English.
void put_texts(nlohmann::json& out, std::string_view english);

}  // namespace lienthong::agent
