// The header of a document in edXML, for systems that take documents in that form: names and
// namespace of QCVN 102:2016/BTTTT. What is not known is left out, nothing is made up.
// Any thread.
#pragma once

#include <optional>
#include <string>

#include "store/office/dossier.h"

namespace lienthong::agent {

inline constexpr const char* kEdxmlNamespace = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

// UTF-8, with an XML declaration. `to`: the receiver; none: every agency that it was sent to, in
// the order of sending, with the trace of each.
std::string edxml_header(const store::Dossier& document, const store::Replica& replica,
                         const std::optional<AgencyId>& to);

}  // namespace lienthong::agent
