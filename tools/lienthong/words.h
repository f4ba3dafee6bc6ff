// What people call the fields of a dossier, its states and ways in, in Vietnamese and English, with
// or without accents, as offices head their lists. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/text/table.h"

namespace lienthong::tools {

// Other headings of a column of dossiers, by word_key(), each between blanks; empty: none.
std::string_view words_of_field(std::string_view field);
// Headings of columns that say nothing of the dossier: a running number, a signature.
std::string_view words_passed_over();

// "Đang xử lý", "dang xu ly", "Processing" → "processing"; nullopt: no state is called so.
std::optional<std::string> status_called(std::string_view text);
// "Trực tuyến" → "online", "BCCI" → "postal".
std::optional<std::string> channel_called(std::string_view text);

// The columns of a table of procedures.
std::span<const store::Heading> procedure_headings();

}  // namespace lienthong::tools
