// GET /v1/codes: what other systems call the dossiers that are here.
#include <nlohmann/json.hpp>
#include <set>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"
#include "store/office/dossier.h"
#include "store/office/official_code.h"

namespace lienthong::agent {

void get_codes(ApiCall& call) {
  const bool twice = query_flag(call.request, "twice");
  const ApiContext* api = &call.api;
  send_lines(call, [api, twice](const LineSink& put) {
    const store::Replica& replica = api->replica();
    const auto registry = replica.registry();
    store::for_each_with_official_code(replica, [&](const RecordId& record) {
      const auto dossier = store::read_dossier(replica, record);
      if (!dossier.ok()) return true;
      for (const store::OfficialCodeEntry& entry : dossier->official_codes) {
        std::set<RecordId> bearers{record};
        for (const RecordId& id : store::find_official_code(replica, entry.code))
          bearers.insert(id);
        for (const RecordId& id : replica.find_code(entry.code)) bearers.insert(id);
        if (twice && bearers.size() < 2) continue;
        nlohmann::json line = {{"official", entry.code},
                               {"system", entry.system},
                               {"code", dossier->code()},
                               {"record", record.hex()},
                               {"by", agency_code(entry.by, *registry)},
                               {"at", format_time(entry.at)},
                               {"bearers", bearers.size()}};
        if (!put(line)) return false;
      }
      return !api->stopping.load();
    });
  });
}

}  // namespace lienthong::agent
