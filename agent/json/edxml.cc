#include "agent/json/edxml.h"

#include <pugixml.hpp>
#include <sstream>

#include "agent/json/dossier.h"
#include "agent/json/time.h"
#include "store/office/records.h"

namespace lienthong::agent {
namespace {

using store::Dossier;

std::string text_value(const Dossier& document, Field field) {
  const auto at = document.values.find(field);
  if (at == document.values.end()) return {};
  if (const auto* text = std::get_if<std::string>(&at->second)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&at->second)) return std::to_string(*number);
  return {};
}

std::string date_value(const Dossier& document, Field field) {
  const auto at = document.values.find(field);
  const auto* moment =
      at != document.values.end() ? std::get_if<std::int64_t>(&at->second) : nullptr;
  return moment != nullptr ? format_time(*moment).substr(0, 10) : std::string();
}

void put_text(pugi::xml_node parent, const char* name, const std::string& text) {
  if (text.empty()) return;
  parent.append_child((std::string("edXML:") + name).c_str()).text().set(text.c_str());
}

void put_organ(pugi::xml_node header, const char* name, const AgencyInfo& agency) {
  pugi::xml_node organ = header.append_child((std::string("edXML:") + name).c_str());
  put_text(organ, "OrganId", agency.code);
  put_text(organ, "OrganName", agency.name);
}

void put_trace(pugi::xml_node list, const AgencyInfo* agency, UnixMillis at) {
  if (agency == nullptr) return;
  pugi::xml_node trace = list.append_child("edXML:TraceHeader");
  put_text(trace, "OrganId", agency->code);
  put_text(trace, "Timestamp", format_time(at));
}

}  // namespace

std::string edxml_header(const Dossier& document, const store::Replica& replica,
                         const std::optional<AgencyId>& to) {
  const auto registry = replica.registry();
  const RecordState& state = document.state;
  pugi::xml_document xml;
  pugi::xml_node declaration = xml.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node envelope = xml.append_child("edXML:edXMLEnvelope");
  envelope.append_attribute("xmlns:edXML") = kEdxmlNamespace;
  pugi::xml_node outer = envelope.append_child("edXML:edXMLHeader");
  pugi::xml_node header = outer.append_child("edXML:MessageHeader");
  // A document that came on paper was issued by somebody who is only named.
  const bool came_in = store::came_on_paper(state);
  const AgencyInfo* issuer = registry->find_agency(state.origin);
  if (came_in) {
    pugi::xml_node organ = header.append_child("edXML:From");
    put_text(organ, "OrganName", text_value(document, Field::kOrganization));
  } else if (issuer != nullptr) {
    put_organ(header, "From", *issuer);
  }
  const auto receivers = to ? std::vector<AgencyId>{*to} : store::receivers_of(replica, state);
  for (const AgencyId& agency : receivers)
    if (const AgencyInfo* info = registry->find_agency(agency)) put_organ(header, "To", *info);
  pugi::xml_node code = header.append_child("edXML:Code");
  put_text(code, "CodeNumber", text_value(document, Field::kNumber));
  put_text(code, "CodeNotation", text_value(document, Field::kNotation));
  if (const std::string date = date_value(document, Field::kSignedAt); !date.empty())
    put_text(header.append_child("edXML:PromulgationInfo"), "PromulgationDate", date);
  if (const std::string type = text_value(document, Field::kTopic); !type.empty())
    put_text(header.append_child("edXML:DocumentType"), "TypeName", type);
  put_text(header, "Subject", text_value(document, Field::kTitle));
  put_text(header, "Content", text_value(document, Field::kSummary));
  if (const std::string signer = text_value(document, Field::kSigner); !signer.empty())
    put_text(header.append_child("edXML:SignerInfo"), "FullName", signer);
  put_text(header, "DueDate", date_value(document, Field::kDueAt));
  if (const std::string priority = text_value(document, Field::kPriority); !priority.empty())
    put_text(header.append_child("edXML:OtherInfo"), "Priority", priority);
  put_text(header, "DocumentId", document.code());
  pugi::xml_node traces = outer.append_child("edXML:TraceHeaderList");
  put_trace(traces, came_in ? nullptr : issuer, state.chain.front().hlc.millis());
  std::ostringstream out;
  xml.save(out, "  ", pugi::format_default, pugi::encoding_utf8);
  return out.str();
}

}  // namespace lienthong::agent
