"""Who had the right and who holds the record, in evidence that is plain: docs/protocol/evidence.md,
"Plain", and the pages of the registry and of custody. Beside verify_evidence.py, which uses it.
"""
ZERO = bytes(32)
KINDS = "genesis agency tree certificate revocation closing withdrawal".split()
CREATED, OFFER, ACCEPT, DECLINE, RECLAIM, SUCCEED = LINKS = range(1, 7)
SET, NOTE, RECALL, CONSULT, REPLY, SHARE, INSPECT, ERASE, ADOPT, UPHOLD = range(16, 26)


def line(step, at):
    """From there on, each once, until there is none or a circle closes."""
    out = []
    while at != ZERO and at not in out:
        out.append(at)
        at = step.get(at, ZERO)
    return out


def on_circle(up, id):
    return id in line(up, up.get(id, ZERO))


class Plain:
    def __init__(self, registry):
        self.held, self.shapes, self.chain, self.tip = registry.held, {}, [], None
        self.confirmed = {id for e in self.held.values() if e["kind"] == "tree"
                          for tag, id, _ in e["changes"] if tag != 1}

    def shape(self, version):
        """The tree under a version: parents; the walk up; the dissolved with their successors."""
        if version not in self.shapes:
            declared = {id: e for id, e in self.held.items() if e["kind"] == "agency"}
            parent = {id: e["parent"] for id, e in declared.items()}
            changes = sorted((e["number"], e["changes"]) for e in self.held.values()
                             if e["kind"] == "tree" and e["number"] <= version)
            named = {}
            for _, items in changes:
                for tag, id, others in items:
                    if tag == 0 and id not in line(parent, others[0]):
                        parent[id] = others[0]
                    elif tag == 1:
                        named[id] = others[0] if len(others) == 1 else ZERO
            heir = dict(named)  # of the dissolved: their successor, or none
            for id in sorted(parent, key=lambda a: len(line(parent, a))):
                above = parent[id]
                if id not in named and above in heir:
                    if id not in line(heir, above):
                        heir[id] = heir[above]
            up = dict(parent)
            up.update((id, to) for id, to in heir.items() if to != ZERO)
            while True:
                turned = {id for id in heir if up[id] != parent[id] and on_circle(up, id)}
                if not turned:
                    break
                up.update((id, parent[id]) for id in turned)
            self.shapes[version] = parent, up, heir
        return self.shapes[version]

    def above(self, upper, lower, version):
        return upper in line(self.shape(version)[1], lower)

    def superior(self, upper, lower, version):
        return (self.above(upper, lower, version) and
                upper in line(self.shape(version)[0], lower))

    def dissolved(self, agency, version):
        return agency in self.shape(version)[2]

    def resolve(self, agency, version):
        return line(self.shape(version)[2], agency)[-1]

    def may_speak(self, entry, version):
        sealer = self.held[entry["seal"]["certificate"]]
        return (self.certified(entry["seal"]["certificate"]) and
                not self.dissolved(sealer["agency"], version) and sealer["agency"])

    def declared(self, agency):
        e = self.held[agency]
        by = e["by_root"] or agency in self.confirmed or self.may_speak(e, e["version"])
        return by is True or (by and self.declared(e["parent"]) and
                              self.superior(by, e["parent"], e["version"]))

    def certified(self, id):
        e = self.held[id]
        agency, version = e["agency"], e["version"]
        if self.dissolved(agency, version) or e["by_root"]:
            return (e["by_root"] and self.shape(version)[0][agency] == ZERO and
                    not self.dissolved(agency, version))
        by = self.may_speak(e, version)
        return bool(by and by != agency and self.declared(agency) and
                    self.superior(by, agency, version))

    def room(self):
        said, depth = {}, {}
        for e in self.held.values():
            issuers, at = [], e
            while at["seal"]:
                issuers.append(at["seal"]["certificate"])
                at = self.held[issuers[-1]]
            for i, id in enumerate(issuers):
                said[id], depth[id] = said.get(id, 0) + e["cost"], len(issuers) - 1 - i
        return all(cost <= 2**25 >> 3 * depth[id] for id, cost in said.items())

    def is_plain(self, updates):
        trees = [e["previous"] for e in self.held.values() if e["kind"] == "tree"]
        certificates = {u["certificate"] for u in updates} | {
            seal["certificate"] for u in updates for seal in u["seals"]}
        return (all(e["kind"] in KINDS[1:4] and (e["kind"] != "tree" or not e["keys"])
                    for e in list(self.held.values())[1:]) and len(set(trees)) == len(trees) and
                self.room() and all(map(self.certified, certificates)) and len(updates) <= 10000 and
                all(u["rules"] == 1 for u in updates) and self.judge(updates))

    def judge(self, updates):
        """Gives each its right and, after a link, who holds the record. False: custody forks."""
        known, after = {}, set()
        for i, u in enumerate(updates):
            u["past"] = 1 << i
            for parent in u["parents"]:
                u["past"] |= known[parent]["past"]
            link = known.get(u["link"])
            if i and not (link and u["past"] & link["own"]):
                link = None
            u["own"], known[u["id"]] = 1 << i, u
            u["right"] = self.right(u, link, updates[0]) if i else "held"
            if u["right"] != "held" or u["kind"] not in LINKS:
                u["custody"] = link and link["custody"]
                continue
            holder, offered, offer, people = link["custody"] if i else (ZERO, ZERO, ZERO, [])
            passed = u["kind"] == SUCCEED and offered != ZERO and holder != u["agency"]
            if u["kind"] == OFFER:
                offered, offer = u["target"], u["id"]
            elif passed:
                offered = u["agency"]
            else:
                holder, offered = holder if u["kind"] == DECLINE else u["agency"], ZERO
            target = [u["target"]] if u["target"] != ZERO else []
            u["custody"] = holder, offered, offer, people + [u["agency"]] + target
            if u["link"] in after:
                return False
            after.add(u["link"])
            self.chain, self.tip = self.chain + [u["id"]], u
        return True

    def right(self, u, link, first):
        kind, a, v = u["kind"], u["agency"], u["version"]
        follows = {REPLY: {CONSULT}, NOTE: {*LINKS, CONSULT, SHARE},
                   INSPECT: {*LINKS, CONSULT, SHARE}}.get(kind, set(LINKS))
        if not link or kind == CREATED or link["kind"] not in follows:
            return "bad-link"
        if v < max(link["version"], u["certified"]):
            return "tree-older-than-link"
        if self.dissolved(a, v) or link["right"] != "held":
            return "dissolved" if self.dissolved(a, v) else "not-its-turn"
        holder, offered, offer, people = link["custody"]
        invited = [link["target"]] if link["kind"] in (CONSULT, SHARE) else []
        turn, origin = offered if offered != ZERO else holder, first["agency"]
        people = people + invited
        idle = offered == ZERO
        held = {
            OFFER: lambda: idle and a == holder != u["target"],
            ACCEPT: lambda: a == offered, DECLINE: lambda: a == offered,
            RECLAIM: lambda: a != turn and self.superior(a, holder, v) and (
                idle or self.superior(a, offered, v)),
            SUCCEED: lambda: u["target"] == turn and self.resolve(turn, v) == a,
            RECALL: lambda: not idle and a == holder and u["references"] == [offer],
            REPLY: lambda: [a] == invited,
            NOTE: lambda: any(self.above(a, p, v) or self.resolve(p, v) == a for p in people),
            INSPECT: lambda: any(a != p and self.above(a, p, v) for p in people),
            ERASE: lambda: self.above(a, origin, v),
            UPHOLD: lambda: self.above(a, link["agency"], v),
        }.get(kind, lambda: idle and a == holder)()
        return "held" if held else "not-in-audience" if kind in (NOTE, REPLY) else "not-its-turn"
