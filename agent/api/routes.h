// Every handler of the local API, by theme; private to api_*.cc.
#pragma once

#include "agent/api/context.h"
#include "store/exchange/invitation.h"
#include "store/office/work.h"

namespace lienthong::agent {

// looking.cc
void get_health(ApiCall& call);
void get_ready(ApiCall& call);
void get_status(ApiCall& call);
void get_peers(ApiCall& call);
void get_log(ApiCall& call);
void post_sync(ApiCall& call);
void post_verify(ApiCall& call);
// compare.cc
void post_compare(ApiCall& call);
// metrics.cc
void get_metrics(ApiCall& call);
// check.cc
void get_check(ApiCall& call);
void get_damage(ApiCall& call);
void post_damage_seen(ApiCall& call);
// agencies.cc
void get_agencies(ApiCall& call);
void get_agency(ApiCall& call);
void post_agency(ApiCall& call);
void post_agency_remove(ApiCall& call);
// What a declaration or an invitation would do.
nlohmann::json plan_object(const store::InvitationPlan& plan, const ApiContext& api);
// invites.cc
void get_registry(ApiCall& call);
void post_registry(ApiCall& call);
void get_invites(ApiCall& call);
void post_invite(ApiCall& call);
void post_invite_cancel(ApiCall& call);
void post_certificate(ApiCall& call);
// Code, name and tier in an object. kInvalidArgument, kTooLarge.
Result<store::Naming> read_naming(const nlohmann::json& object);
// kInvalidArgument: no truth value.
Result<bool> read_flag(const nlohmann::json& object, const char* name, bool otherwise);
// nodes.cc
void get_nodes(ApiCall& call);
void get_node(ApiCall& call);
void post_node_acknowledge(ApiCall& call);
void post_node_revoke(ApiCall& call);
void post_node_closing(ApiCall& call);
void post_restored_confirm(ApiCall& call);
// tree.cc
void post_tree(ApiCall& call);
// dossiers.cc
void get_dossiers(ApiCall& call);
void get_dossier(ApiCall& call);
void get_export(ApiCall& call);
void get_digest(ApiCall& call);
// evidence.cc
void get_audit(ApiCall& call);
void post_evidence(ApiCall& call);
// forms.cc
void get_form(ApiCall& call);
void get_registers(ApiCall& call);
// procedures.cc
void get_procedures(ApiCall& call);
void get_procedure(ApiCall& call);
// {"trace":[…],"paused":…,"step":{…}}: how the dossier's date comes about, and where the work is.
nlohmann::json explanation_json(const ApiContext& api, const RecordState& state);
// The same of what was read already.
nlohmann::json explanation_json(const ApiContext& api, const RecordState& state,
                                const store::Work& work);
// reports.cc
void get_report(ApiCall& call);
void get_report_dossiers(ApiCall& call);
void get_report_diff(ApiCall& call);
void post_report_save(ApiCall& call);
// blobs.cc
void get_blobs(ApiCall& call);
void post_blob(ApiCall& call);
void get_blob(ApiCall& call);
void post_blob_fetch(ApiCall& call);
void get_blob_content(ApiCall& call);
// backup.cc
void post_backup(ApiCall& call);
// When the last one was made, where, how old it is; null: none ever was.
nlohmann::json backup_json(const ApiContext& api);
nlohmann::json mirror_json(const ApiContext& api);  // null: none is configured
// bundles.cc
void post_bundle_export(ApiCall& call);
void post_bundle_import(ApiCall& call);
// why.cc
void get_why(ApiCall& call);
// handoffs.cc
void get_handoffs(ApiCall& call);
void get_records(ApiCall& call);
void get_record(ApiCall& call);
void get_calendar(ApiCall& call);
void get_codes(ApiCall& call);
void get_feedback_report(ApiCall& call);
void get_document_edxml(ApiCall& call);
// trouble.cc
void get_quarantine(ApiCall& call);
void get_conflicts(ApiCall& call);
// operations.cc
void post_operations(ApiCall& call);
// changes.cc
void get_changes(ApiCall& call);

}  // namespace lienthong::agent
