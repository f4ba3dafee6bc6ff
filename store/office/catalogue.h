// The procedures that were published here, and which version of each counts. Reads one replica; any
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/office/procedure.h"

namespace lienthong::store {

struct Published {
  Procedure version;
  RecordState state;
  bool counts = false;    // for what our agency receives now
  bool believed = false;  // published by somebody whom our agency goes by
};

// The versions that bear that code; with "" all, by code, then as they came into force.
std::vector<Published> published(const Replica& replica, const std::string& code, UnixMillis now,
                                 const std::function<bool()>& stopping);
// Code, name, field or decision has that text, which is in search form.
bool has_text(const Published& published, const std::string& text);

}  // namespace lienthong::store
