// A page of a form as text (100 columns), HTML (one document, the paper's size in its style) and
// CSV (RFC 4180; the lines of the form stand before the columns of its table, on every row).
// What is not known is "…" in text and HTML, empty in CSV. Pure; any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "store/forms/form.h"

namespace lienthong::store {

using PutText = std::function<bool(std::string_view)>;  // false: nobody reads any more

// Piece by piece. Rows are asked for once; by the text twice, which is as wide as they are.
void render_text(const FormPages& pages, const PutText& put);
void render_html(const FormPages& pages, const PutText& put);
// Pages of one form: a heading line, then the rows of all. Without pages: nothing.
void render_csv(const FormPages& pages, const PutText& put);

std::string render_text(std::span<const FormPage> pages);
std::string render_html(std::span<const FormPage> pages);
std::string render_csv(std::span<const FormPage> pages);

}  // namespace lienthong::store
