#!/usr/bin/env python3
"""Checks evidence files without an agent, a network or any code of Liên Thông: written from
docs/protocol/evidence.md and the pages that it names. Needs libsodium.

Usage: verify_evidence.py FILE…          one JSON object a line; exit 0 if all are verified
"""
import ctypes.util
import json
import pathlib
import struct
import sys

try:
    import evidence_custody  # who had the right, and who holds the record
except ImportError:
    evidence_custody = None
sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
if sodium.sodium_init() < 0:
    raise SystemExit("libsodium does not start")
ZERO, ONE = bytes(32), bytes([1]) + bytes(31)
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
TIME_FIELDS = {6, 7, 8, 9, 10, 11, 22, 26, 35, 36, 42, 66, 67}
CREATED, OFFER, SUCCEED, SET, RECALL, CONSULT, REPLY, SHARE, ADOPT, UPHOLD = (
    1, 2, 6, 16, 18, 19, 20, 21, 24, 25)

class Refused(Exception):
    """Nothing in the file is to be believed."""
def need(fact, why):
    if not fact:
        raise Refused(why)
    return fact

# ---- hashes and signatures (notation.md, identities.md) ----
def H(tag, root, *parts):
    tag = b"lienthong/1 " + tag.encode()
    data = bytes([len(tag)]) + tag + root + b"".join(parts)
    out, size = ctypes.create_string_buffer(32), ctypes.c_ulonglong(len(data))
    sodium.crypto_generichash(out, ctypes.c_size_t(32), data, size, None, ctypes.c_size_t(0))
    return out.raw

def multiply(number, point):
    out, scalar = ctypes.create_string_buffer(32), (number % L).to_bytes(32, "little")
    if number % L == 0:
        return ONE
    failed = (sodium.crypto_scalarmult_ed25519_noclamp(out, scalar, point) if point else
              sodium.crypto_scalarmult_ed25519_base_noclamp(out, scalar))
    return None if failed else out.raw

def remember(function):
    known = {}
    return lambda *a: known[a] if a in known else known.setdefault(a, function(*a))

@remember
def is_key(key):
    """A canonical point of order L: (L-1)·A = -A, whatever this libsodium says of subgroups."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return bool(1 < y < P - 1 and sodium.crypto_core_ed25519_is_valid_point(key) and
                multiply(L - 1, key) == key[:31] + bytes([key[31] ^ 0x80]))

@remember
def is_signed(key, message, signature):
    """The bytes of R are those of [S]B - [k]A, and R is not the identity."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if not is_key(key) or s >= L or r == ONE:
        return False
    digest, data = ctypes.create_string_buffer(64), r + key + message
    sodium.crypto_hash_sha512(digest, data, ctypes.c_ulonglong(len(data)))
    left, right = multiply(s, None), multiply(int.from_bytes(digest.raw, "little"), key)
    out = ctypes.create_string_buffer(32)
    return not sodium.crypto_core_ed25519_sub(out, left, right) and out.raw == r

def is_dh_key(key):
    out = ctypes.create_string_buffer(32)
    return int.from_bytes(key, "little") < P and not sodium.crypto_scalarmult(out, b"\1" * 32, key)

def is_time(value):
    return -2208988800000 <= value < 7258118400000

# ---- layouts (notation.md) and bodies: Cap'n Proto in its canonical form (bodies.md) ----
class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0
    def raw(self, size):
        need(self.at + size <= len(self.data), "it ends early")
        self.at += size
        return self.data[self.at - size:self.at]
    def numbers(self, code):
        return struct.unpack("<" + code, self.raw(struct.calcsize("<" + code)))
    def varint(self):
        value = 0
        for i in range(10):
            byte = self.raw(1)[0]
            value |= (byte & 127) << 7 * i
            if byte < 128:
                need((byte or not i) and value < 2**64, "a varint that is not minimal")
                return value
        raise Refused("a varint over 10 bytes")
    def sized(self):
        return self.raw(self.varint())
    def list(self, read):
        return [read() for _ in range(self.varint())]
    def end(self, value=None):
        need(self.at == len(self.data), "bytes too many")
        return value

class Struct:
    """Its data as bytes, its pointers as None, Struct, bytes (of a list of bytes) or list."""
    def __init__(self, data=b"", pointers=()):
        self.data, self.pointers = data, pointers
    def number(self, code, at, default=0):
        piece = self.data[at:at + struct.calcsize(code)]
        return default ^ struct.unpack("<" + code, piece)[0] if piece else default
    def time(self, at):
        need(is_time(self.number("q", at)), "a time outside the years 1900 to 2199")
    def pointer(self, index, kind):
        value = self.pointers[index] if index < len(self.pointers) else None
        need(value is None or isinstance(value, kind), "a pointer of the wrong kind")
        return value
    def bytes(self, index, sizes=None):
        value = self.pointer(index, bytes) or b""
        need(sizes is None or len(value) in sizes, "bytes of a wrong size")
        return value
    def id(self, index, full=True):
        value = self.bytes(index, (32,) if full else (0, 32)) or ZERO
        need(not full or value != ZERO, "an id that is missing")
        return value
    def list(self, index, kind, most=2**29):
        value = self.pointer(index, list) or []
        need(len(value) <= most and all(isinstance(item, kind) for item in value), "a list")
        return value
    def ids(self, index):
        value = self.list(index, bytes, 256)
        need(all(len(item) == 32 and item != ZERO for item in value), "an id in a list")
        return value
    def text(self, index, least=0, most=32768):
        value = self.pointer(index, bytes)
        need(value is None or value[-1:] == b"\0", "no text")
        need(least <= len((value or b"\0")[:-1]) <= most, "a text too short or too long")
        return (value or b"\0")[:-1].decode("utf-8")

class Message:
    """Reads objects in preorder: each has to lie where the one before it ends."""
    def __init__(self, data):
        need(data and len(data) % 8 == 0, "a body that is not whole words")
        self.data, self.next = data, 1
        self.root = self.follow(0, 0)
        need(isinstance(self.root, Struct) and self.next * 8 == len(data), "a body's end")
    def take(self, words):
        need(8 * (self.next + words) <= len(self.data), "a body with bad pointers")
        self.next += words
        return self.next - words
    def follow(self, at, depth):
        need(depth < 16, "a body that is nested too deep")
        low, high = struct.unpack_from("<II", self.data, 8 * at)
        if not low and not high:
            return None
        place = at + 1 + (low >> 2) - ((low & 0x80000000) >> 1)
        if low & 3 == 0 and high == 0:
            need(place == at, "a body that is not canonical")
            return Struct()
        need(low & 3 < 2 and place == self.next, "a body that is not canonical")
        if low & 3:
            return self.follow_list(high & 7, high >> 3, depth)
        begin, full = self.take((high & 0xffff) + (high >> 16)), [True, True]
        out = self.fields(begin, high, full, depth)
        return need(all(full) and out, "a body that is not canonical")
    def fields(self, begin, sizes, full, depth):
        data, pointers = begin + (sizes & 0xffff), sizes >> 16
        for i, (first, last) in enumerate(((begin, data), (data, data + pointers))):
            full[i] = full[i] and (first == last or any(self.data[8 * last - 8:8 * last]))
        return Struct(self.data[8 * begin:8 * data],
                      [self.follow(data + i, depth + 1) for i in range(pointers)])
    def follow_list(self, size, count, depth):
        if size == 7:
            low, sizes = struct.unpack_from("<II", self.data, 8 * self.take(1))
            each = (sizes & 0xffff) + (sizes >> 16)
            need(low & 3 == 0 and (low >> 2) * each == count, "a body with bad pointers")
            begin, out, full = self.take(count), [], [False, False]
            for i in range(low >> 2 if each else 0):
                one = [True, True]
                out.append(self.fields(begin + i * each, sizes, one, depth))
                full = [a or b for a, b in zip(full, one)]
            need(all(full) or not each, "a body that is not canonical")
            return out
        if size == 6:
            begin = self.take(count)
            return [self.follow(begin + i, depth + 1) or b"" for i in range(count)]
        bits = count * (0, 1, 8, 16, 32, 64)[size]
        begin = self.take((bits + 63) // 64)
        raw = self.data[8 * begin:8 * self.next]
        need(int.from_bytes(raw, "little") >> bits == 0, "a body that is not canonical")
        return raw[:count] if size == 2 else list(struct.unpack_from("<%dH" % count, raw)) \
            if size == 3 else []

def read_writes(body, index):
    out = []
    for item in body.list(index, Struct, 256):
        tag, write = item.number("H", 2), {"field": item.number("H", 0)}
        need(tag < 4 and (not out or out[-1]["field"] < write["field"]), "a field")
        if tag:
            read = item.text(0) if tag == 1 else item.number("q", 8) if tag == 2 else item.bytes(0)
            write[("text", "integer", "data")[tag - 1]] = read.hex() if tag == 3 else read
        out.append(write)
    return out

def read_open(data):
    b = Message(need(len(data) <= 32768 and data, "an open part over its limit")).root
    fields = b.list(2, int, 256)
    need(fields == sorted(set(fields)), "closed fields that are not in ascending order")
    return {"kind": b.number("H", 0), "target": b.id(0, False), "writes": read_writes(b, 1),
            "closed_fields": fields, "action": b.text(3), "at": b.number("q", 8),
            "references": b.ids(4), "lead": b.id(5, False), "deadline": b.number("q", 16),
            "decision": b.text(6)}

def read_closed(data):
    b = Message(need(len(data) <= 32768 and data, "a closed part over its limit")).root
    return {"hash": b.bytes(0, (0, 16)), "writes": read_writes(b, 1), "officer": b.text(2),
            "note": b.text(3), "action": b.text(4), "account": b.text(5)}

# ---- statements (registry.md) ----
def check_cuts(b):
    first, last, before = b.number("Q", 16), b.number("Q", 24, 2**64 - 1), -1
    need(first <= last, "a stretch that ends before it begins")
    for cut in b.list(1, Struct):
        incarnation, number, least = cut.number("Q", 0), cut.number("I", 8), 1
        cut.id(0, False)
        need(before < incarnation and first <= incarnation <= last, "cuts out of order")
        before = incarnation
        for item in cut.list(1, Struct):
            low, high, seal = item.number("I", 0), item.number("I", 4), item.id(0, False)
            need(least <= low <= high < number and (seal == ZERO or low == high), "exceptions")
            least = high + 1

def read_change(item):
    tag = item.number("H", 0)
    need(tag < 3, "a change of an agency")
    texts = (item.text(1, 0, 64), item.text(2, 0, 1024)) if tag == 2 else None
    return tag, item.id(0), [item.id(1)] if tag == 0 else [] if texts else item.ids(1)

KINDS = "genesis agency tree certificate revocation closing withdrawal".split()
# By kind: where there are times, texts (least and most bytes), data of a fixed size; then names.
FORMS = [((0,), (), {2: 16}), ((0,), ((1, 1, 64), (2, 1, 1024), (3, 1, 64)), {4: 16}),
         ((8,), ((2,),), {}), ((8, 16), (), {4: 64}), ((0,), ((2,),), {}), ((8,), (), {}),
         ((), ((1,),), {})]
VERSIONS = [None, 8, None, 4, 8, 4, 8]  # where the tree version stands

def read_statement(tag, b):
    need(tag < 7, "joined roots (this verifier cannot tell), or no kind of statement")
    for time in FORMS[tag][0]:
        b.time(time)
    texts = [b.text(*text) for text in FORMS[tag][1]]
    data = [b.bytes(index, (size,)) for index, size in FORMS[tag][2].items()]
    out = {"kind": KINDS[tag]}
    if VERSIONS[tag] is not None:
        out["version"] = b.number("I", VERSIONS[tag])
    if tag == 0:
        out.update(keys=[b.id(0), b.id(1)], number=0)
    elif tag == 1:
        out.update(parent=b.id(0, False), code=texts[0], name=texts[1])
    elif tag == 2:
        out.update(number=b.number("I", 0), previous=b.id(0),
                   changes=[read_change(item) for item in b.list(1, Struct)],
                   keys=[key for key in (b.id(3, False), b.id(4, False)) if key != ZERO])
    elif tag == 3:
        need(b.number("B", 1) < 10, "thousand over 9")
        out.update(agency=b.id(0), node=b.id(1), dh=b.id(2), may_issue=b.number("B", 0) & 1,
                   replaces=b.id(3, False), possession=data[0])
    elif tag in (4, 5):
        check_cuts(b)
        out.update(node=b.id(0), after=b.ids(7 - tag), closes=b.number("I", 0) if tag == 5 else 0)
        need(tag == 4 or 0 < out["closes"] <= out["version"], "the version of a closing")
    else:
        out["agency"] = b.id(0)
    return out

def read_seal(data):
    names = "certificate incarnation number previous root count".split()
    seal = dict(zip(names, struct.unpack("<32sQI32s32sH", data[:110])), head=data[:110])
    need(0 < seal["count"] <= 256 and seal["number"], "a seal's numbers")
    need(seal["number"] > 1 or seal["previous"] == ZERO, "a first seal with one before it")
    return dict(seal, signature=data[110:])

class Registry:
    def __init__(self, root):
        self.root, self.held, self.keys, self.newest = root, {}, set(), 0
    def get(self, kind, id):
        need(id in self.held and self.held[id]["kind"] == kind, "names no %s that is here" % kind)
        return self.held[id]
    def add(self, data):
        reader = Reader(data)
        authority, body = reader.raw(1)[0], reader.sized()
        need(authority < 3, "joined roots: this verifier cannot tell")
        by = (reader.raw(32), reader.raw(64)) if authority == 1 else None
        seal = read_seal(reader.raw(174)) if authority == 2 else None
        reader.end()
        need(len(body) <= 65536, "a statement over its limit")
        message = Message(body).root
        entry = read_statement(message.number("H", 0), message.pointer(0, Struct) or Struct())
        entry.update(seal=seal, by_root=by is not None, cost=len(body) + 1024)
        digest = H("statement", self.root, body)
        if not self.held:
            need(entry["kind"] == "genesis" and not authority, "no genesis")
            need(H("genesis", ZERO, body) == self.root, "a genesis of another root")
            id = self.root
        elif by:
            need(is_signed(by[0], H("root signature", self.root, digest), by[1]), "signature")
            need(by[0] in self.keys, "a root key that no statement names")
            id = H("statement id", self.root, digest, by[0])
        else:
            need(seal, "a statement that nobody vouches for")
            sealer = self.get("certificate", seal["certificate"])
            need(seal["count"] == 1 and seal["root"] == H("leaf", self.root, digest), "its seal")
            seal["id"] = H("seal", self.root, seal["head"])
            need(sealer["may_issue"], "sealed under a certificate that may not issue")
            need(is_signed(sealer["node"], seal["id"], seal["signature"]), "signature")
            id = H("statement id", self.root, digest, seal["id"])
        need(id not in self.held, "it stands there twice")
        self.check(entry, entry["kind"])
        self.held[id] = entry
        self.keys.update(entry.get("keys", []))
        self.newest = max(self.newest, entry.get("number", 0))
    def check(self, entry, kind):
        need(entry.get("version", 0) <= self.newest, "a tree version that is not here")
        need(all(is_key(key) for key in entry.get("keys", [])), "a root key that is no point")
        if kind == "genesis":
            need(not self.held and len(set(entry["keys"])) == 2, "a genesis")
        if kind == "agency":
            need((entry["parent"] == ZERO) == entry["by_root"], "who declares it")
            above, depth = entry["parent"], 0
            while above != ZERO:
                need(depth < 32, "too deep a tree")
                above, depth = self.get("agency", above)["parent"], depth + 1
        if kind == "tree":
            before = self.held.get(entry["previous"], {}).get("number")
            need(entry["by_root"] and before is not None, "a tree version")
            need(entry["number"] == before + 1, "number of a tree version")
            for _, id, others in entry["changes"]:
                need(id not in others, "an agency below itself, or its own successor")
                others = [self.get("agency", other) for other in [id] + others]
        if kind == "certificate":
            need(is_key(entry["node"]) and is_dh_key(entry["dh"]), "a machine's keys")
            said = H("possession", self.root, entry["agency"], entry["node"], entry["dh"])
            need(is_signed(entry["node"], said, entry["possession"]) and
                 self.get("agency", entry["agency"]), "possession of the keys")
            if entry["replaces"] != ZERO:
                old = self.get("certificate", entry["replaces"])
                need(all(old[k] == entry[k] for k in ("node", "agency")), "replaces another's")
        for id in entry.get("after", []):
            old = self.get(entry["kind"], id)
            need(all(old[k] == entry[k] for k in ("node", "closes")), "follows another's")
        if kind == "withdrawal":
            topmost = self.get("agency", entry["agency"])["parent"] == ZERO
            need(topmost == entry["by_root"], "the root takes topmost agencies back alone")

# ---- updates (updates.md, seals.md) ----
def read_update(r, seal_count):
    e = Reader(r.sized())
    u = dict(zip("record certificate version rules clock parents".split(), e.numbers("32s32sIHQB")))
    u["parents"] = [e.raw(32) for _ in range(u["parents"])]
    flag = e.raw(1)[0]
    need(flag < 2, "the flag of a link")
    u["link"] = e.end(e.raw(32) if flag else None)
    u.update(envelope=e.data, raw=r.sized(), form=r.raw(1)[0], shown=None, salt=None)
    need(len(u["parents"]) <= 16 and u["form"] < 3, "parents, or form of a closed part")
    u["closed_hash"] = r.raw(32) if u["form"] == 1 else ZERO
    need(u["form"] != 1 or u["closed_hash"] != ZERO, "a closed part without its hash")
    if u["form"] == 2:
        u["salt"], u["shown"] = r.raw(32), r.sized()
    u["places"] = [(r.varint(), r.numbers("H")[0], [r.raw(32) for _ in range(r.varint())])
                   for _ in range(r.varint())]
    order = [place[0] for place in u["places"]]
    need(order and order == sorted(set(order)) and order[-1] < seal_count, "seals of an update")
    return u

def check_form(u):
    need(u["parents"] == sorted(set(u["parents"])), "parents that are not in ascending order")
    need(u["rules"] and u["clock"] >> 16 < 7258118400000, "rules version, or the clock")
    u.update(read_open(u["raw"]))
    kind, first = u["kind"], u["kind"] == CREATED
    need(first == (u["record"] == ZERO) == (not u["parents"]) == (u["link"] is None), "its place")
    if u["shown"] is not None:
        u["closed"] = read_closed(u["shown"])
        written = [write["field"] for write in u["closed"]["writes"]]
        need(u["rules"] > 1 or written == u["closed_fields"], "closed fields other than announced")
    if u["rules"] > 1:
        return
    need(kind in (1, 2, 3, 4, 5, 6, *range(16, 26)), "a kind that is not of its rules version")
    need((kind in (OFFER, CONSULT, SHARE, SUCCEED)) == (u["target"] != ZERO), "a target")
    need(kind not in (RECALL, REPLY, ADOPT) or u["references"], "no reference")
    need(kind in (CREATED, SET, ADOPT) or not (u["writes"] or u["closed_fields"]), "writes")
    need(len(u["action"]) <= 64 and not u["action"].strip("abcdefghijklmnopqrstuvwxyz0123456789-"),
         "an action that is no code")
    need(kind != UPHOLD or u["closed_hash"] == ZERO, "an uphold with a closed part")
    times = [w["integer"] for w in u["writes"] if w["field"] in TIME_FIELDS and "integer" in w]
    need(all(map(is_time, times + [u["at"], u["deadline"]])), "a time outside 1900 to 2199")

def merkle(root, count, index, leaf, proof):
    def walk(begin, end):
        if not begin <= index < end:
            return need(proof, "a path that is too short").pop(0)
        middle = begin + (1 << (end - begin - 1).bit_length() >> 1)
        return (H("leaf", root, leaf) if end - begin == 1 else
                H("node", root, walk(begin, middle) + walk(middle, end)))
    top = need(index < count, "no such leaf") and walk(0, count)
    return need(not proof and top, "a path that is too long")

def check_update(u, index, registry, seals, record, known):
    root, author = registry.root, registry.get("certificate", u["certificate"])
    if u["salt"] is not None:
        u["closed_hash"] = H("closed", root, u["salt"], u["envelope"], u["shown"])
    check_form(u)
    u.update(id=H("update", root, u["envelope"], H("open", root, u["raw"]), u["closed_hash"]),
             agency=author["agency"], node=author["node"], certified=author["version"])
    need((u["record"] == ZERO) == (index == 0) and record == (u["record"] if index else u["id"]),
         "an update of another record, or a first one that is not the first")
    need(all(parent in known for parent in u["parents"]), "a parent that is not here")
    need(u["id"] not in known and u["version"] <= registry.newest, "twice, or a later tree version")
    need(u["target"] == ZERO or registry.get("agency", u["target"]), "a target that is not here")
    for place, leaf, proof in u["places"]:
        need(seals[place]["node"] == u["node"], "sealed by another machine than its author's")
        top = merkle(root, seals[place]["count"], leaf, u["id"], list(proof))
        need(top == seals[place]["root"], "a path that leads to another seal")
        seals[place]["named"] = True
    known[u["id"]] = u

# ---- the report (evidence.md) ----
def check(data):
    r = Reader(data)
    need(r.raw(8) == b"LTEVIDEN", "no evidence file")
    need(r.numbers("H") == (1,), "evidence of another version")
    registry, record = Registry(r.raw(32)), r.raw(32)
    statements = r.list(r.sized)
    seals = r.list(lambda: read_seal(r.raw(174)))
    updates = r.list(lambda: read_update(r, len(seals)))
    r.end()
    for statement in statements:
        registry.add(statement)
    for seal in seals:
        seal["node"] = registry.get("certificate", seal["certificate"])["node"]
        seal["id"] = H("seal", registry.root, seal["head"])
        need(is_signed(seal["node"], seal["id"], seal["signature"]), "a seal's signature")
    known = {}
    for i, u in enumerate(updates):
        check_update(u, i, registry, seals, record, known)
        u["seals"] = [dict(seals[place], leaf=leaf) for place, leaf, _ in u["places"]]
    need(updates and all("named" in seal for seal in seals), "no updates, or a seal too many")
    need(len({seal["id"] for seal in seals}) == len(seals), "a seal that stands there twice")
    rules = evidence_custody and evidence_custody.Plain(registry)
    return report(registry, record, updates, rules and rules.is_plain(updates) and rules)

def plainly(value):
    if isinstance(value, dict):
        return {key: plainly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plainly(item) for item in value]
    return value if not isinstance(value, bytes) else value.hex() if value != ZERO else None

def report(registry, record, updates, plain):
    def issued(id):
        seal = registry.held[id]["seal"]
        return [id] + (issued(seal["certificate"]) if seal else [])
    out = []
    for u in updates:
        names = "id agency node certificate kind clock at action decision writes parents link"
        out.append({name: u[name] for name in (names + " references target").split()})
        out[-1].update(tree_version=u["version"], rules_version=u["rules"],
                       issued=issued(u["seals"][0]["certificate"]),
                       right=u["right"] if plain else None,
                       seals=[{name: seal[name] for name in
                               ("id", "certificate", "incarnation", "number", "leaf")}
                              for seal in u["seals"]],
                       closed="shown" if u["salt"] is not None else
                       "none" if u["closed_hash"] == ZERO else "withheld")
        if u["salt"] is not None:
            out[-1]["shown"] = {name: u["closed"][name]
                                for name in ("officer", "note", "action", "writes")}
            if u["closed"]["account"]:
                out[-1]["shown"]["account"] = u["closed"]["account"]
    named = sorted({id for u in updates for id in (u["agency"], u["target"])} - {ZERO})
    holder, offered = plain.tip["custody"][:2] if plain else (ZERO, ZERO)
    return plainly({"evidence": 1, "root": registry.root, "record": record, "plain": bool(plain),
                    "statements": len(registry.held), "updates": out, "holder": holder,
                    "offered": offered, "chain": plain.chain if plain else None,
                    "agencies": [{"id": id, "code": registry.held[id]["code"],
                                  "name": registry.held[id]["name"]} for id in named]})

def judged(data):
    try:
        return dict(check(data), verified=True)
    except (Refused, UnicodeDecodeError, struct.error) as why:
        return {"verified": False, "reason": str(why)}

def main():
    code = 0
    for name in sys.argv[1:] or sys.exit(__doc__):
        report = judged(pathlib.Path(name).read_bytes())
        print(json.dumps(dict(report, file=name), ensure_ascii=False))
        code = code if report["verified"] else 1
    return code

if __name__ == "__main__":
    sys.exit(main())
