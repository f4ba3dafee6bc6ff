@0xb8f0f7d7c5a4e2b1;
# What is signed and kept for ever: bodies of updates and statements of the registry.
# Every message here is stored, hashed and sent in Cap'n Proto's canonical form: one segment, no
# segment table (https://capnproto.org/encoding.html#canonicalization). A reader keeps the bytes it
# was given, so a field that it does not know survives it. Ordinals are never reused.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("lienthong::wire::schema");

# ---- bodies of updates (docs/protocol/updates.md) ----

struct FieldWrite {
  # One register of a record. Numbers and types: protocol/record/fields.h.
  field @0 :UInt16;
  value :union {
    cleared @1 :Void;
    text @2 :Text;      # UTF-8, NFC
    integer @3 :Int64;  # counts, codes, times in milliseconds since 1970
    data @4 :Data;      # ids, or the canonical bytes of a list below
  }
}

struct OpenBody {
  # What every replica of the record reads. Nothing about persons.
  kind @0 :UInt16;                 # UpdateKind, protocol/record/update.h
  recordKind @1 :UInt16;           # created: RecordKind
  target @2 :Data;                 # AgencyId: offer, consult, share; succeed: the agency succeeded
  urgent @3 :Bool;                 # offer
  writes @4 :List(FieldWrite);     # ascending by field
  closedFields @5 :List(UInt16);   # fields that the closed part writes, ascending
  action @6 :Text;                 # timeline: what was done, a code, e.g. "forward"
  at @7 :Int64;                    # timeline: when, as the office says; 0: see the HLC
  references @8 :List(Data);       # UpdateIds: recall → offer, reply → consult, adopt → set aside
  lead @9 :Data;                   # created, leg: RecordId of the dossier it belongs to
  deadline @10 :Int64;             # consult, leg: milliseconds since 1970; 0: none
  decision @11 :Text;              # erase: the decision's number
  officialCode @12 :Text;          # note: a code that another system gave the dossier
  codeSystem @13 :Text;            # which system gave it
  codeWithdrawn @14 :Bool;         # it was no code of this dossier
}

struct ClosedBody {
  # Persons, contents, free text, file names. Removed by an erasure.
  keyHash @0 :Data;                # BLAKE2b-128 of the Idempotency-Key; empty: none
  writes @1 :List(FieldWrite);
  officer @2 :Text;
  note @3 :Text;
  action @4 :Text;                 # timeline: what was done, in words
  account @5 :Text;                # who used the author's local API, as that machine knows him
}

struct Component {
  name @0 :Text;
  kind @1 :Text;                   # original | certified | copy | digital
  copies @2 :UInt32;
  digest @3 :Text;                 # hexadecimal; empty: not digitised
  size @4 :UInt64;
  mediaType @5 :Text;
}
struct ComponentList { items @0 :List(Component); }

struct Fee {
  name @0 :Text;
  amount @1 :Int64;                # đồng
  paid @2 :Text;                   # online | cash | none
  paidAt @3 :Int64;                # milliseconds since 1970; 0: unknown
  receipt @4 :Text;
}
struct FeeList { items @0 :List(Fee); }

# ---- statements of the registry (docs/protocol/registry.md) ----

struct Genesis {
  # Its hash is the root fingerprint.
  keyInUse @0 :Data;               # Ed25519
  keyOnPaper @1 :Data;             # Ed25519
  createdAt @2 :Int64;
  nonce @3 :Data;                  # 16 random bytes
}

struct AgencyDeclaration {
  parent @0 :Data;                 # AgencyId; empty: topmost, declared by the root
  code @1 :Text;
  name @2 :Text;
  tier @3 :Text;
  declaredAt @4 :Int64;
  nonce @5 :Data;
  treeVersion @6 :UInt32;          # under which the declarer acts
}

struct AgencyChange {
  agency @0 :Data;
  change :union {
    parent @1 :Data;               # new parent
    dissolved @2 :List(Data);      # successors; one: sole successor; several: split; none: closed
    renamed :group {
      code @3 :Text;
      name @4 :Text;
    }
  }
}

struct TreeChange {
  number @0 :UInt32;               # from 1, without gaps
  previous @1 :Data;               # StatementId of number - 1; of the genesis for 1
  changes @2 :List(AgencyChange);
  decidedAt @3 :Int64;
  note @4 :Text;                   # the decision
  keyInUse @5 :Data;               # replaces the key in use; empty: unchanged
  keyOnPaper @6 :Data;             # replaces the key on paper; empty: unchanged
}

struct Certificate {
  agency @0 :Data;
  signKey @1 :Data;                # Ed25519: the node
  dhKey @2 :Data;                  # X25519
  mayIssue @3 :Bool;
  thousand @4 :UInt8;              # 0 to 9: numbers dossiers in 0xxx to 9xxx
  renewBy @5 :Int64;
  issuedAt @6 :Int64;
  replaces @7 :Data;               # CertificateId for the same key; empty: none
  treeVersion @8 :UInt32;
  possession @9 :Data;             # Ed25519 by signKey over agency and both keys
}

struct CutException {
  # With a seal: of that one number it alone is within. Without: none with these numbers is.
  first @0 :UInt32;
  last @1 :UInt32;
  sealHash @2 :Data;               # SealId; only with first = last
}

struct Cut {
  incarnation @0 :UInt64;
  number @1 :UInt32;               # last seal within
  sealHash @2 :Data;               # SealId, where two seals bear one number; empty: any
  except @3 :List(CutException);   # of lower numbers, ascending
}

struct Revocation {
  node @0 :Data;                   # Ed25519 key
  cuts @1 :List(Cut);              # an incarnation that is not named is not believed
  reason @2 :Text;
  decidedAt @3 :Int64;
  after @4 :List(Data);            # StatementIds of revocations of this node that its author knew
  treeVersion @5 :UInt32;
  first @6 :UInt64;                # it speaks of incarnations first to last alone
  last @7 :UInt64 = 0xffffffffffffffff;
}

struct Closing {
  # What the node sealed beyond the cuts and says under a tree older than `version` is held to it.
  node @0 :Data;                   # Ed25519 key
  version @1 :UInt32;              # tree version, from 1
  cuts @2 :List(Cut);              # of an incarnation that is not named every seal lies beyond
  decidedAt @3 :Int64;
  after @4 :List(Data);            # StatementIds of closings of this node for this version
  treeVersion @5 :UInt32;          # at least `version`
  first @6 :UInt64;                # it speaks of incarnations first to last alone
  last @7 :UInt64 = 0xffffffffffffffff;
}

struct Withdrawal {
  # Takes a declaration back.
  agency @0 :Data;
  reason @1 :Text;
  decidedAt @2 :Int64;
  treeVersion @3 :UInt32;
}

struct Adoption {
  # The agencies under another root come below a place of this one's tree. Signed by both.
  number @0 :UInt32;               # of the tree version: over both of those that it follows
  adopter @1 :Data;                # RootFingerprint
  previous @2 :Data;               # StatementId of the adopter's tree version before
  adopted @3 :Data;                # RootFingerprint
  adoptedPrevious @4 :Data;        # StatementId of the adopted root's last tree version
  place @5 :Data;                  # AgencyId, of the adopter's tree
  kept @6 :List(Data);             # StatementIds, ascending: of the adopted root; they stay good
  decidedAt @7 :Int64;
  note @8 :Text;                   # the decision
}

struct Statement {
  union {
    genesis @0 :Genesis;
    agency @1 :AgencyDeclaration;
    tree @2 :TreeChange;
    certificate @3 :Certificate;
    revocation @4 :Revocation;
    closing @5 :Closing;
    withdrawal @6 :Withdrawal;
    adoption @7 :Adoption;
  }
}
