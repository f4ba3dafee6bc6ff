"""What the local API costs one agent that holds many dossiers: lists and searches, large answers,
clients that do nothing, and writing. As a program: `queries.py SOCKET [WHAT…]` measures an agent
that runs, and prints JSON."""
import json
import os
import random
import socket
import struct
import sys
import threading
import time

from figures import MIB, Figure, Rate

SIZE, QUICK_SIZE = 761_000, 100_000
PAGE = 100
STAMP = int(time.time())  # so that codes are new in each run
SLOW = 32  # clients that do nothing


class Api:
    """One agent by its socket, whose memory and processor time the kernel tells."""

    def __init__(self, path):
        self.path = path
        with self.connect() as one:
            self.pid = struct.unpack("3i", one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                          12))[0]

    def connect(self):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(600)
        made.connect(self.path)
        return made

    def ask(self, method, target, body=b""):
        """A connection on which the request was sent."""
        made = self.connect()
        head = f"{method} {target} HTTP/1.1\r\nHost: agent\r\nContent-Length: {len(body)}\r\n\r\n"
        made.sendall(head.encode() + body)
        return made

    def call(self, target, method="GET", body=b"", keep=True):
        """Body and seconds; without `keep` only how many bytes came."""
        begin = time.monotonic()
        parts, size = [], 0
        with self.ask(method, target, body) as made:
            while piece := made.recv(1 << 16):
                size += len(piece)
                if keep:
                    parts.append(piece)
        took = time.monotonic() - begin
        if not keep:
            return size, took
        head, _, rest = b"".join(parts).partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"{target}: {head[:200]} {rest[:300]}")
        return (unchunked(rest) if b"chunked" in head else rest), took

    def lines(self, target):
        return [json.loads(line) for line in self.call(target)[0].splitlines()]

    def resident(self, name="VmRSS"):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as stream:
            return next(int(line.split()[1]) * 1024 for line in stream if line.startswith(name))

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="utf-8") as stream:
            stream.write("5")

    def cpu(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def unchunked(rest):
    out = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size, 16)
        out.append(rest[:count])
        rest = rest[count + 2:]
    return b"".join(out)


def spread(times):
    ordered = sorted(times)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[int(0.99 * (len(ordered) - 1))],
            "count": len(ordered)}


def asked(api, targets, times):
    """Seconds of each target, asked so often in turn."""
    took = []
    for _ in range(times):
        for target in targets:
            took.append(api.call(target)[1])
    return spread(took)


def lists(api, times=10):
    """Pages of 100, and `why`."""
    some = api.lines("/v1/dossiers?limit=2000")
    dice = random.Random(7)
    codes = [line["code"] for line in dice.sample(some, min(100, len(some)))]
    procedures = sorted({line["procedure"] for line in some})
    holder = some[0]["holder"]
    page = f"limit={PAGE}"
    words = ["nguyen", "tran thi", "bich ngoc", "khai sinh", "hoang", "xyzzy", "2209",
             "le van hung"]
    return {
        "list": asked(api, [f"/v1/dossiers?{page}"] +
                      [f"/v1/dossiers?{page}&after={code}" for code in codes[:3]], times),
        "state": asked(api, [f"/v1/dossiers?{page}&status={s}" for s in (
            "registered", "accepted", "processing", "supplement", "done", "returned", "refused")],
            times),
        "late": asked(api, [f"/v1/dossiers?{page}&late=1",
                            f"/v1/dossiers?{page}&late=1&after={codes[0]}"], times),
        "due": asked(api, [f"/v1/dossiers?{page}&due_within=864000"], times),
        "procedure": asked(api, [f"/v1/dossiers?{page}&procedure={p}" for p in procedures[:5]],
                           times),
        "holder": asked(api, [f"/v1/dossiers?{page}&holder={holder}&status=processing"], times),
        "words": asked(api, [f"/v1/dossiers?{page}&text={w.replace(' ', '%20')}" for w in words],
                       times),
        "why": asked(api, [f"/v1/dossiers/{code}/why" for code in codes], 3)}


def peak(api, work):
    api.reset_peak()
    before = api.cpu()
    begin = time.monotonic()
    work()
    return {"seconds": time.monotonic() - begin, "cpu_seconds": api.cpu() - before,
            "resident_peak": api.resident("VmHWM")}


def at_once(count, work):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def large(api):
    """Answers that are long, and the most memory that each took."""
    year = api.lines("/v1/dossiers?limit=1&status=returned")[0]["received_at"][:4]
    return {
        "changes": peak(api, lambda: at_once(
            8, lambda _: api.call("/v1/changes?limit=10000", keep=False))),
        "register": peak(api, lambda: api.call(f"/v1/registers?year={year}", keep=False)),
        "register_csv": peak(api, lambda: api.call(f"/v1/registers?year={year}&format=csv",
                                                   keep=False)),
        "digest": peak(api, lambda: api.call("/v1/digest", keep=False)),
        "list_of_all": peak(api, lambda: api.call("/v1/dossiers", keep=False)),
        "export": peak(api, lambda: api.call("/v1/export", keep=False))}


def next_call(api, times=20):
    return max(api.call(f"/v1/dossiers?limit=1")[1] for _ in range(times))


def idlers(api):
    """What the next call waits while others hold connections: silent, or reading nothing."""
    out = {"alone": next_call(api)}
    silent = [api.connect() for _ in range(SLOW)]
    out["silent"] = next_call(api)
    for one in silent:
        one.close()
    deaf = [api.ask("GET", "/v1/export") for _ in range(SLOW)]
    out["deaf_at_once"] = next_call(api, 1)
    out["deaf"] = next_call(api)
    out["resident"] = api.resident()
    for one in deaf:
        one.close()
    return out


def operation(agency, number):
    dossier = {"code": f"{agency}-B{STAMP}-{number}", "procedure": "1.001193",
               "procedure_name": "Khai sinh", "field": "Hộ tịch",
               "summary": f"Đăng ký khai sinh {number}",
               "applicant": {"name": f"Nguyễn Văn {number}"}}
    return {"op": "create", "dossier": dossier}


def body(agency, first, count):
    return "".join(json.dumps(operation(agency, first + i), ensure_ascii=False) + "\n"
                   for i in range(count)).encode()


def writing(api, bulk=8000, seconds=4):
    """Operations a second: many to a body, one writer, eight writers."""
    agency = json.loads(api.call("/v1/status")[0])["agency"]
    text = body(agency, 0, bulk)
    begin = time.monotonic()
    answer = api.call("/v1/operations", "POST", text)[0]
    out = {"bulk": bulk / (time.monotonic() - begin)}
    refused = [line for line in answer.splitlines() if b'"ok":true' not in line]
    if refused:
        raise RuntimeError(f"{len(refused)} refused, the first: {refused[0].decode()}")
    for name, writers in (("one", 1), ("eight", 8)):
        counts = [0] * writers
        until = time.monotonic() + seconds

        def write(i, counts=counts, until=until):
            while time.monotonic() < until:
                text = body(agency, (writers * 10 + i) * 1_000_000 + counts[i], 1)
                api.call("/v1/operations", "POST", text)
                counts[i] += 1
        at_once(writers, write)
        out[name] = sum(counts) / seconds
    return out


def long_dossier(api, updates=5000, times=10):
    """Show of a dossier of so many updates, and one more update of it."""
    agency = json.loads(api.call("/v1/status")[0])["agency"]
    code = json.loads(api.call("/v1/operations", "POST", body(agency, 999_999_999, 1))[0])["code"]
    note = json.dumps({"op": "note", "code": code, "note": "đã xem"}).encode() + b"\n"
    for _ in range(updates // 500):
        api.call("/v1/operations", "POST", note * 500)
    shown = asked(api, [f"/v1/dossiers/{code}"], times)
    begin = time.monotonic()
    for _ in range(times):
        api.call("/v1/operations", "POST", note)
    return {"show": shown, "write": (time.monotonic() - begin) / times}


MEASURES = {"lists": lists, "large": large, "idlers": idlers, "writing": writing,
            "long_dossier": long_dossier}


def queries(rig):
    """The API of an agent with 761,000 dossiers (quick: 100,000)."""
    import harness
    size = SIZE if rig.full else QUICK_SIZE
    with harness.World(rig, rig.pair(0, fresh=size), harness.PAIR) as world:
        child = world.office(harness.CHILD)
        child.start()
        world.settle()
        api = Api(child.socket)
        measured = {name: measure(api) for name, measure in MEASURES.items()}
    out = {"dossiers": size, **measured}
    for name, found in measured["lists"].items():
        out[f"{name}_p50"], out[f"{name}_p99"] = found["p50"], found["p99"]
    out["resident_peak"] = max(found["resident_peak"] for found in measured["large"].values())
    out["silent"], out["deaf"] = measured["idlers"]["silent"], measured["idlers"]["deaf"]
    out["show"] = measured["long_dossier"]["show"]["p50"]
    out["write"] = measured["long_dossier"]["write"]
    for name in ("bulk", "one", "eight"):
        out[name] = measured["writing"][name]
    return out


SCENARIOS = (
    (queries, [Figure(f"{what}, {part}", f"{what}_{part}", limit, "ms")
               for what in ("list", "state", "late", "words", "why")
               for part, limit in (("p50", 0.05), ("p99", 0.15))] +
     [Figure("most resident of any answer", "resident_peak", 64 * MIB, "MiB"),
      Figure("call beside 32 silent clients", "silent", 0.1, "ms"),
      Figure("call beside 32 that read nothing", "deaf", 0.1, "ms"),
      Figure("show of 5,000 updates", "show", 0.02, "ms"),
      Figure("one write to it", "write", 0.02, "ms"),
      Rate("operations in one body", "bulk", 8000, "/s"),
      Rate("one writer", "one", 900, "/s"),
      Rate("eight writers", "eight", 4000, "/s")]),
)

if __name__ == "__main__":
    agent = Api(sys.argv[1])
    json.dump({name: MEASURES[name](agent) for name in sys.argv[2:] or MEASURES}, sys.stdout,
              indent=1)
