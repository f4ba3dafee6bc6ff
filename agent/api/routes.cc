#include "agent/api/routes.h"

#include <array>

namespace lienthong::agent {
namespace {

// What a question may name, see ApiRoute::query.
#define LT_FILTERS \
  " holder agency status late? due_within since procedure text limit after after_record cursor "
#define LT_REPORT " from to agency own? by depth rounding decimals "
constexpr std::string_view kFilters = LT_FILTERS;
constexpr std::string_view kExport = LT_FILTERS "format ";
constexpr std::string_view kReport = LT_REPORT;
constexpr std::string_view kReportCell = LT_REPORT "cell ";
#undef LT_FILTERS
#undef LT_REPORT

constexpr std::array kRoutes = {
    ApiRoute{"GET", "/healthz", get_health},
    ApiRoute{"GET", "/readyz", get_ready},
    ApiRoute{"GET", "/metrics", get_metrics},
    ApiRoute{"GET", "/v1/status", get_status},
    ApiRoute{"GET", "/v1/peers", get_peers},
    ApiRoute{"GET", "/v1/agencies", get_agencies},
    ApiRoute{"POST", "/v1/agencies", post_agency},
    ApiRoute{"GET", "/v1/agencies/{code}", get_agency},
    ApiRoute{"POST", "/v1/agencies/{code}/remove", post_agency_remove},
    ApiRoute{"GET", "/v1/registry", get_registry},
    ApiRoute{"POST", "/v1/registry", post_registry},
    ApiRoute{"POST", "/v1/tree", post_tree},
    ApiRoute{"GET", "/v1/nodes", get_nodes, " agency all? "},
    ApiRoute{"GET", "/v1/nodes/{id}", get_node},
    ApiRoute{"POST", "/v1/nodes/{id}/acknowledge", post_node_acknowledge},
    ApiRoute{"POST", "/v1/nodes/{id}/revoke", post_node_revoke},
    ApiRoute{"POST", "/v1/nodes/{id}/closing", post_node_closing},
    ApiRoute{"POST", "/v1/restored/confirm", post_restored_confirm},
    ApiRoute{"GET", "/v1/invites", get_invites},
    ApiRoute{"POST", "/v1/invites", post_invite},
    ApiRoute{"POST", "/v1/invites/{id}/cancel", post_invite_cancel},
    ApiRoute{"POST", "/v1/certificates", post_certificate},
    ApiRoute{"GET", "/v1/calendar", get_calendar, " year "},
    ApiRoute{"GET", "/v1/codes", get_codes, " twice? "},
    ApiRoute{"GET", "/v1/dossiers", get_dossiers, kFilters},
    ApiRoute{"GET", "/v1/dossiers/{code}", get_dossier, " explain? "},
    ApiRoute{"GET", "/v1/dossiers/{code}/why", get_why},
    ApiRoute{"GET", "/v1/dossiers/{code}/audit", get_audit},
    ApiRoute{"POST", "/v1/dossiers/{code}/evidence", post_evidence, " disclose "},
    ApiRoute{"GET", "/v1/dossiers/{code}/forms/{number}", get_form, " set format "},
    ApiRoute{"GET", "/v1/registers", get_registers,
             " year agency field procedure by number set format "},
    ApiRoute{"GET", "/v1/records/{id}/why", get_why},
    ApiRoute{"GET", "/v1/records", get_records,
             " kind holder from to year status direction register source topic about text overdue? "
             "limit cursor "},
    ApiRoute{"GET", "/v1/records/{code}", get_record},
    ApiRoute{"GET", "/v1/feedback/report", get_feedback_report, " from to agency "},
    ApiRoute{"GET", "/v1/documents/{code}/edxml", get_document_edxml, " to "},
    ApiRoute{"GET", "/v1/handoffs", get_handoffs, " pending? older_than direction limit cursor "},
    ApiRoute{"GET", "/v1/reports/{form}", get_report, kReport},
    ApiRoute{"GET", "/v1/reports/{form}/dossiers", get_report_dossiers, kReportCell},
    ApiRoute{"GET", "/v1/reports/{form}/diff", get_report_diff, kReport},
    ApiRoute{"POST", "/v1/reports/{form}/save", post_report_save, kReport},
    ApiRoute{"POST", "/v1/operations", post_operations,
             " atomic? dry_run? derive_keys? accept_clock? "},
    ApiRoute{"GET", "/v1/procedures", get_procedures, " all? text limit cursor "},
    ApiRoute{"GET", "/v1/procedures/{code}", get_procedure},
    ApiRoute{"GET", "/v1/export", get_export, kExport},
    ApiRoute{"GET", "/v1/changes", get_changes, " since epoch limit wait "},
    ApiRoute{"GET", "/v1/quarantine", get_quarantine},
    ApiRoute{"GET", "/v1/conflicts", get_conflicts},
    ApiRoute{"GET", "/v1/digest", get_digest},
    ApiRoute{"POST", "/v1/backup", post_backup},
    ApiRoute{"POST", "/v1/bundles/export", post_bundle_export, " to full? "},
    ApiRoute{"POST", "/v1/bundles/import", post_bundle_import, " import offset more? "},
    ApiRoute{"GET", "/v1/blobs", get_blobs, " wanted? limit cursor "},
    ApiRoute{"POST", "/v1/blobs", post_blob, " upload offset more? "},
    ApiRoute{"GET", "/v1/blobs/{digest}", get_blob},
    ApiRoute{"POST", "/v1/blobs/{digest}/fetch", post_blob_fetch},
    ApiRoute{"GET", "/v1/blobs/{digest}/content", get_blob_content},
    ApiRoute{"GET", "/v1/log", get_log, " limit "},
    ApiRoute{"POST", "/v1/sync", post_sync},
    ApiRoute{"POST", "/v1/verify", post_verify, " agency limit "},
    ApiRoute{"POST", "/v1/compare", post_compare},
    ApiRoute{"GET", "/v1/check", get_check, " notes? "},
    ApiRoute{"GET", "/v1/damage", get_damage},
    ApiRoute{"POST", "/v1/damage/seen", post_damage_seen},
};

}  // namespace

std::span<const ApiRoute> api_routes() { return kRoutes; }

std::string route_pattern(std::string_view path) {
  std::string pattern;
  for (std::size_t at = 0; at < path.size();) {
    if (path[at] == '{') {
      const std::size_t end = path.find('}', at);
      // Codes of legs and of copies that were sent: "<code>/2".
      const bool is_code = path.substr(at, end - at) == "{code";
      pattern += is_code ? "([^/]+(?:/[0-9]+)?)" : "([^/]+)";
      at = end + 1;
    } else {
      pattern += path[at++];
    }
  }
  return pattern;
}

}  // namespace lienthong::agent
