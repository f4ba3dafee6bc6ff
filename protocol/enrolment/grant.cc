#include "protocol/enrolment/grant.h"

#include <algorithm>
#include <utility>

#include "protocol/base/limits.h"

namespace lienthong {
namespace {

// Of an encoded statement: its body, and who vouches for it.
constexpr std::size_t kEncodedStatementMax = 2 * kStatementBytesMax;
constexpr std::size_t kGrowBytesMin = 1U << 20;

Bytes head_of(const CertificateId& certificate, std::size_t count) {
  ByteWriter out;
  out.raw(certificate.view());
  out.varint(count);
  return out.take();
}

void append(Bytes& out, const Statement& statement) {
  ByteWriter item;
  item.sized(encode_statement(statement));
  out.insert(out.end(), item.bytes().begin(), item.bytes().end());
}

// That registry, none: of the pinned root, with those statements.
Result<std::shared_ptr<const Registry>> grown(const RootFingerprint& root,
                                              const std::shared_ptr<const Registry>& before,
                                              std::span<const Statement> statements) {
  if (before != nullptr)
    return statements.empty() ? Result<std::shared_ptr<const Registry>>(before)
                              : before->with(statements);
  if (statements.empty() || root_fingerprint(statements.front().body) != root) {
    return Error(Errc::kBadHash, "the registry that came is of another root than the token names");
  }
  LT_TRY(const Registry genesis, Registry::create(root, statements.front()));
  return genesis.with(statements.subspan(1));
}

Result<GrantedNode> check_certificate(std::shared_ptr<const Registry> registry,
                                      const CertificateId& id, const MachineKeys& machine) {
  const Certificate* certificate = registry->find_certificate(id);
  if (certificate == nullptr)
    return Error(Errc::kInvalidArgument, "the certificate is not in the registry that came");
  if (certificate->node != machine.node || certificate->dh_key != machine.dh) {
    return Error(Errc::kInvalidArgument, "the certificate is for another machine");
  }
  if (registry->certificate_belief(id) != Belief::kBelieved) {
    return Error(Errc::kNotAllowed, "the certificate is not believed: its issuer had no right");
  }
  return GrantedNode{certificate->agency, id, *certificate, std::move(registry)};
}

}  // namespace

EnrolmentGrant make_grant(const Registry& registry, const CertificateId& certificate) {
  EnrolmentGrant grant;
  grant.certificate = certificate;
  for (const StatementId& id : registry.statements())
    grant.statements.push_back(*registry.find_statement(id));
  return grant;
}

Bytes encode_grant(const EnrolmentGrant& grant) {
  Bytes out = head_of(grant.certificate, grant.statements.size());
  for (const Statement& statement : grant.statements) append(out, statement);
  return out;
}

GrantSource stream_grant(const CertificateId& certificate, std::size_t count,
                         std::function<Result<Statement>(std::size_t)> read) {
  return [ready = head_of(certificate, count), next = std::size_t{0}, count,
          read = std::move(read)](std::size_t most) mutable -> Result<GrantPiece> {
    while (ready.size() < most && next < count) {
      LT_TRY(const Statement statement, read(next));
      append(ready, statement);
      ++next;
    }
    const auto end = ready.begin() + static_cast<std::ptrdiff_t>(std::min(most, ready.size()));
    GrantPiece piece{Bytes(ready.begin(), end)};
    ready.erase(ready.begin(), end);
    piece.last = ready.empty() && next == count;
    return piece;
  };
}

void GrantParser::feed(ByteView more) {
  if (at_ > 0) fed_.erase(fed_.begin(), fed_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  fed_.insert(fed_.end(), more.begin(), more.end());
}

Result<void> GrantParser::read_head(ByteReader& in) {
  LT_TRY(certificate_.bytes, in.array<32>());
  LT_TRY(const auto count, in.varint());
  if (count > kGrantStatementCountMax) return Error(Errc::kTooLarge, "statements of a grant");
  count_ = count;
  return {};
}

Result<std::optional<Statement>> GrantParser::next() {
  ByteReader in(ByteView(fed_).subspan(at_));
  const auto or_more = [](const Error& error) -> Result<std::optional<Statement>> {
    if (error.code() == Errc::kTruncated) return std::optional<Statement>();
    return error;
  };
  if (!count_) {
    if (const auto head = read_head(in); !head) return or_more(head.error());
    at_ = fed_.size() - in.rest().size();
  }
  if (taken_ == *count_) return std::optional<Statement>();
  const auto encoded = in.sized(kEncodedStatementMax);
  if (!encoded) return or_more(encoded.error());
  LT_TRY(Statement statement, decode_statement(*encoded));
  at_ = fed_.size() - in.rest().size();
  ++taken_;
  return std::optional(std::move(statement));
}

Result<void> GrantParser::finish() const {
  if (!count_ || taken_ < *count_) return Error(Errc::kTruncated, "grant");
  return ByteReader(ByteView(fed_).subspan(at_)).finish("grant");
}

Result<EnrolmentGrant> decode_grant(ByteView bytes) {
  if (bytes.size() > kGrantBytesMax) return Error(Errc::kTooLarge, "the grant is over 64 MiB");
  GrantParser parser;
  parser.feed(bytes);
  EnrolmentGrant grant;
  for (;;) {
    LT_TRY(auto statement, parser.next());
    if (!statement) break;
    grant.statements.push_back(*std::move(statement));
  }
  LT_TRY_VOID(parser.finish());
  grant.certificate = parser.certificate();
  return grant;
}

Result<GrantedNode> check_grant(const RootFingerprint& root, const MachineKeys& machine,
                                const EnrolmentGrant& grant) {
  LT_TRY(auto registry, grown(root, nullptr, grant.statements));
  return check_certificate(std::move(registry), grant.certificate, machine);
}

Result<void> GrantReader::grow() {
  LT_TRY(registry_, grown(root_, registry_, fresh_));
  grown_bytes_ += std::exchange(fresh_bytes_, 0);
  fresh_.clear();
  return {};
}

// The registry is evaluated anew each time that it has grown by half.
Result<void> GrantReader::take(ByteView piece) {
  parser_.feed(piece);
  for (;;) {
    LT_TRY(auto statement, parser_.next());
    if (!statement) return {};
    fresh_bytes_ += statement->body.size();
    fresh_.push_back(*std::move(statement));
    const bool first = registry_ == nullptr;
    if (first || fresh_bytes_ >= std::max(kGrowBytesMin, grown_bytes_ / 2)) {
      LT_TRY_VOID(grow());
    }
  }
}

Result<GrantedNode> GrantReader::finish() {
  LT_TRY_VOID(parser_.finish());
  LT_TRY_VOID(grow());
  return check_certificate(registry_, parser_.certificate(), machine_);
}

}  // namespace lienthong
