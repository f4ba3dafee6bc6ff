// Scans over the local API: files in, files out, and how far a file has come.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/files/blob_keeper.h"
#include "agent/json/fields.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

// Sends why there is none; null: an agent without scans, as tests have.
BlobKeeper* keeper_of(ApiCall& call) {
  if (call.api.config.blobs == nullptr)
    send_error(call.response, 503, "busy", "this agent keeps no files");
  return call.api.config.blobs;
}

std::optional<BlobId> blob_of(ApiCall& call) {
  const auto id = blob_from_text(call.parameter(0));
  if (!id)
    send_error(call.response, 400, "invalid-argument",
               "a file is named by 66 hexadecimal digits, the digest of a component");
  return id;
}

json blob_json(const ApiContext& api, const BlobKeeper& keeper, const BlobId& id) {
  const BlobStatus status = keeper.status(id);
  const auto registry = api.replica().registry();
  json out = {{"digest", blob_text(id)}, {"state", to_string(status.state)},
              {"size", status.size},     {"held_bytes", status.held_bytes},
              {"chunks", status.chunks}, {"held", status.held},
              {"wanted", status.wanted}, {"received_bytes", status.received_here}};
  if (status.state == BlobState::kFetching) {
    out["from"] = agency_json(status.from, *registry);
    out["rate"] = status.rate;
    if (status.rate > 0 && status.size > status.held_bytes)
      out["eta_seconds"] = (status.size - status.held_bytes) / status.rate + 1;
  }
  if (!status.why.empty()) out["why"] = status.why;
  json holders = json::array();
  json records = json::array();
  if (const auto blob = keeper.blobs().find(id))
    for (const store::BlobHolder& holder : blob->holders)
      holders.push_back(agency_json(holder.agency, *registry));
  for (const RecordId& record : keeper.blobs().records(id)) records.push_back(record.hex());
  out["holders"] = std::move(holders);
  out["records"] = std::move(records);
  return out;
}

// The bytes of a whole file from `offset` on, until the sink has had `length` or wants no more.
bool write_content(const store::Blobs& blobs, const BlobId& id, std::size_t offset,
                   std::size_t length, httplib::DataSink& sink) {
  while (length > 0) {
    const auto chunk = blobs.read_chunk(id, static_cast<std::uint32_t>(offset / kChunkBytes));
    const std::size_t skip = offset % kChunkBytes;
    if (!chunk || chunk->bytes.size() <= skip) return false;
    const std::size_t size = std::min(length, chunk->bytes.size() - skip);
    if (!sink.write(reinterpret_cast<const char*>(chunk->bytes.data() + skip), size)) return false;
    offset += size;
    length -= size;
  }
  return true;
}

// Leaves the one range that is asked for and can be given, as first and last byte; none: the whole
// file is sent (several ranges, or those of another file by If-Range). False: there is nothing in
// the range, and it was answered 416.
bool choose_range(ApiCall& call, std::uint64_t size) {
  // httplib reads them from the request when it sends the answer; the server's own request is not
  // const.
  auto& ranges = const_cast<httplib::Request&>(call.request).ranges;
  const std::string tag = call.response.get_header_value("ETag");
  call.response.set_header("Accept-Ranges", "bytes");
  const std::string only_of = call.request.get_header_value("If-Range");
  if (ranges.size() > 1 || (!only_of.empty() && only_of != tag)) ranges.clear();
  if (ranges.empty()) return true;
  auto& [first, last] = ranges.front();
  const auto end = static_cast<ssize_t>(size);
  const bool nothing = first < 0 ? last <= 0 || end == 0 : first >= end;
  if (nothing) {
    ranges.clear();
    call.response.set_header("Content-Range", "bytes */" + std::to_string(size));
    send_error(call.response, 416, "invalid-argument",
               "the file has " + std::to_string(size) + " bytes, none of them in that range");
    return false;
  }
  if (first < 0) {
    first = std::max<ssize_t>(0, end - last);
    last = end - 1;
  }
  last = last < 0 ? end - 1 : std::min(last, end - 1);
  return true;
}

// Sends why not, where every record that names the file is closed to the caller.
bool may_read_file(ApiCall& call, const store::Blobs& blobs, const BlobId& id) {
  std::optional<Error> why;
  for (const RecordId& record : blobs.records(id)) {
    const auto entry = call.api.replica().find_record(record);
    if (!entry || may_read(call.api, call.caller, entry->state)) return true;
    why = not_inspected(entry->state);
  }
  if (why) send_error(call.response, *why);
  return !why;
}

}  // namespace

void get_blobs(ApiCall& call) {
  const BlobKeeper* keeper = keeper_of(call);
  if (keeper == nullptr) return;
  const ApiContext* api = &call.api;
  const bool wanted = query_flag(call.request, "wanted");
  auto page = query_page(call.request);
  if (!page.ok()) return send_error(call.response, page.error());
  send_page(call, *std::move(page), [api, keeper, wanted](const KeyedSink& put) {
    const auto put_one = [&](const BlobId& id) {
      return put(blob_text(id), [&] { return blob_json(*api, *keeper, id); });
    };
    if (!wanted) {
      keeper->blobs().for_each([&](const store::BlobInfo& blob) { return put_one(blob.id); });
      return;
    }
    auto wants = keeper->blobs().wants(SIZE_MAX);
    std::ranges::sort(wants, {}, [](const store::BlobWant& want) { return blob_text(want.id); });
    for (const store::BlobWant& want : wants)
      if (!put_one(want.id)) return;
  });
}

void post_blob(ApiCall& call) {
  BlobKeeper* keeper = keeper_of(call);
  if (keeper == nullptr) return;
  const auto offset = query_number(call.request, "offset", kBlobBytesMax);
  if (!offset.ok()) return send_error(call.response, offset.error(), "offset");
  std::string upload = call.request.get_param_value("upload");
  const auto added = keeper->add(upload, offset->value_or(0), as_bytes(call.body));
  if (!added.ok()) return send_error(call.response, added.error());
  if (query_flag(call.request, "more")) {
    return send_json(call.response,
                     {{"upload", upload}, {"offset", offset->value_or(0) + call.body.size()}});
  }
  const auto blob = keeper->finish(upload);
  if (!blob.ok()) return send_error(call.response, blob.error());
  send_json(call.response, blob_json(call.api, *keeper, blob->id));
}

// The file that the address names, if a record here does; else the answer is sent.
std::optional<BlobId> known_blob_of(ApiCall& call, BlobKeeper& keeper) {
  const auto id = blob_of(call);
  if (!id || keeper.knows(*id)) return id;
  send_error(call.response, 404, "not-found", "no record here names that file");
  return std::nullopt;
}

void get_blob(ApiCall& call) {
  BlobKeeper* keeper = keeper_of(call);
  if (keeper == nullptr) return;
  const auto id = known_blob_of(call, *keeper);
  if (!id) return;
  send_json(call.response, blob_json(call.api, *keeper, *id));
}

void post_blob_fetch(ApiCall& call) {
  BlobKeeper* keeper = keeper_of(call);
  if (keeper == nullptr) return;
  const auto id = known_blob_of(call, *keeper);
  if (!id || !may_read_file(call, keeper->blobs(), *id)) return;
  if (const auto asked = keeper->demand(*id); !asked.ok())
    return send_error(call.response, asked.error());
  send_json(call.response, blob_json(call.api, *keeper, *id));
}

void get_blob_content(ApiCall& call) {
  const BlobKeeper* keeper = keeper_of(call);
  if (keeper == nullptr) return;
  const auto id = blob_of(call);
  if (!id) return;
  const ApiContext* api = &call.api;
  const store::Blobs* blobs = &keeper->blobs();
  const auto blob = blobs->find(*id);
  if (!blob || !blob->complete())
    return send_error(call.response, 404, "not-found",
                      blob || !blobs->records(*id).empty()
                          ? "the file is not here, or not all of it: POST …/fetch asks for it"
                          : "no record here names that file");
  if (!may_read_file(call, *blobs, *id)) return;
  if (is_known(call, "\"" + blob_text(*id) + "\"")) return;
  if (!choose_range(call, blob->size)) return;
  call.response.set_content_provider(
      static_cast<std::size_t>(blob->size), "application/octet-stream",
      [api, blobs, id = *id](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        return write_guarded(*api, [&] { return write_content(*blobs, id, offset, length, sink); });
      });
}

}  // namespace lienthong::agent
