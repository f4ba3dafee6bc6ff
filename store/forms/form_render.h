// A page of a form as text (100 columns), HTML (one document, the paper's size in its style) and
// CSV (RFC 4180; the lines of the form stand before the columns of its table, on every row).
// What is not known is "…" in text and HTML, empty in CSV. Pure; any thread.
#pragma once

#include <span>

#include "store/forms/form.h"

namespace lienthong::store {

std::string render_text(std::span<const FormPage> pages);
std::string render_html(std::span<const FormPage> pages);
// Pages of one form: a heading line, then the rows of all. Without pages: nothing.
std::string render_csv(std::span<const FormPage> pages);

}  // namespace lienthong::store
