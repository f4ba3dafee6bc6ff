#!/usr/bin/env python3
"""Real agents on an emulated line that is cut, is slow to come back, or changes its address.

Says so and counts as skipped where there are no rights to make namespaces. Upper bounds leave room
for a loaded machine; what was measured is printed.
"""
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "emulator"))
import offices  # noqa: E402
from emulator import Emulator, NoRights, skip_without_rights  # noqa: E402
from far_offices import FarBench  # noqa: E402
from offices import expect, wait  # noqa: E402

LINE = {"rate": 512_000, "delay": 0.15, "queue": 65_536}
ROUND_TRIP = 0.3


class Packets:
    """What the district has sent since now, by port: SYNs and payloads in their order."""

    def __init__(self, net):
        self.path, self.skip = net.trace, os.path.getsize(net.trace)

    def by_port(self):
        with open(self.path, encoding="utf-8") as stream:
            names = stream.readline().split()
            stream.seek(self.skip)
            packets = [dict(zip(names, line.split())) for line in stream if line.endswith("\n")]
        ports = {}
        for packet in packets:
            if (packet["node"], packet["way"]) != ("H47.12", "up") or packet["flags"] == "-":
                continue
            syns, payloads = ports.setdefault(packet["from"], ([], []))
            if packet["flags"] == "S":
                syns.append(packet)
            elif packet["payload"] != "0":
                payloads.append(int(packet["payload"]))
        return ports


class Two:
    """A province and a district whose line can be cut."""

    def __init__(self, bench, net):
        self.bench, self.net = bench, net
        net.set("H47.12", **LINE)
        self.province = bench.found("H47")
        self.district = bench.enrol("H47.12")
        self.settle()

    def neighbour(self):
        return self.district.get("/v1/peers")["neighbours"][0]

    def settle(self):
        wait("both in sync", lambda: all(office.get("/v1/status")["in_sync"]
                                         for office in (self.province, self.district)))

    def create(self):
        answers = self.district.must({"op": "create", "dossier": {"procedure": "1.001193"}})
        return answers[0]["code"]

    def arrived(self, code):
        return self.province.request("GET", f"/v1/dossiers/{code}")[0] == 200

    def log_since(self, mark):
        with open(self.district.log, encoding="utf-8", errors="replace") as stream:
            return stream.read()[mark:]

    def mark(self):
        return os.path.getsize(self.district.log)

    def cut(self, cut):
        self.net.set("H47.12", cut=cut)

    def inside(self, *words):
        subprocess.run(self.net.inside("H47.12", ["ip", *words]), check=True)


def a_short_cut(two):
    """Ten seconds without a line: what was written meanwhile goes as soon as it is back."""
    mark = two.mark()
    two.cut(True)
    begin = time.monotonic()
    code = two.create()
    wait("the silence is noticed", lambda: "event=silent" in two.log_since(mark))
    silent = time.monotonic() - begin
    time.sleep(max(0.0, 10 - silent))
    two.cut(False)
    begin = time.monotonic()
    wait("the dossier arrives", lambda: two.arrived(code))
    back = time.monotonic() - begin
    two.bench.say(f"short cut: silence seen after {silent:.1f} s, delivered {back:.1f} s after it")
    expect(silent < 10, f"the silence was seen only after {silent:.1f} s")
    expect(back < 8, f"delivered only {back:.1f} s after the line was back")
    two.settle()


def a_dead_path(two):
    """With data waiting the path counts as dead within 20 seconds."""
    two.cut(True)
    begin = time.monotonic()
    code = two.create()
    wait("the session is given up", lambda: two.neighbour()["state"] != "connected", 60)
    dead = time.monotonic() - begin
    two.cut(False)
    begin = time.monotonic()
    wait("the dossier arrives", lambda: two.arrived(code), 60)
    two.bench.say(f"dead path: given up after {dead:.1f} s, delivered "
                  f"{time.monotonic() - begin:.1f} s after the line was back")
    expect(dead < 24, f"the path was given up only after {dead:.1f} s")
    two.settle()


def an_address_that_comes_back(two):
    """The machine loses its address and gets it again: it dials without waiting."""
    address = two.net.address("H47.12")
    device = subprocess.run(two.net.inside("H47.12", ["ip", "-o", "-4", "addr", "show"]),
                            check=True, capture_output=True, text=True).stdout
    line = next(text for text in device.splitlines() if address in text)
    name, prefix = line.split()[1], next(word for word in line.split() if address in word)
    routes = subprocess.run(two.net.inside("H47.12", ["ip", "route", "show"]), check=True,
                            capture_output=True, text=True).stdout.splitlines()
    mark = two.mark()
    two.inside("addr", "del", prefix, "dev", name)
    code = two.create()
    wait("the change is noticed", lambda: "event=network_changed" in two.log_since(mark))
    wait("the session is down", lambda: two.neighbour()["state"] != "connected", 60)
    two.inside("addr", "add", prefix, "dev", name)
    for route in routes:
        if "proto kernel" not in route:
            two.inside("route", "replace", *route.split())
    begin = time.monotonic()
    wait("the dossier arrives", lambda: two.arrived(code))
    back = time.monotonic() - begin
    two.bench.say(f"address back: delivered {back:.1f} s after it")
    expect(back < 8, f"delivered only {back:.1f} s after the address was back")
    two.settle()


def a_swallowed_first_message(two):
    """A line that goes away under the first message says nothing of the province's key: the next
    session is no less sure of it, and its first message bears as much."""
    expect(two.district.stop() == 0, "the district's agent did not end well")
    sent = Packets(two.net)
    two.district.spawn()
    wait("the first message is on its way",
         lambda: any(payloads for _, payloads in sent.by_port().values()))
    two.cut(True)
    before = set(sent.by_port())
    wait("the session is given up and another dialled", lambda: set(sent.by_port()) - before, 60)
    two.cut(False)
    two.settle()
    first = [payloads[0] for port, (_, payloads) in sent.by_port().items()
             if payloads and port not in before]
    two.bench.say(f"swallowed first message: the next one has {first[0]} bytes")
    expect(first[0] > 100, f"it asked for the key: {first}")


def a_repeated_syn(two):
    """A connection whose SYN was repeated more than once would begin with one segment."""
    expect(two.district.stop() == 0, "the district's agent did not end well")
    two.cut(True)
    sent = Packets(two.net)
    two.district.spawn()

    def repeated():
        return [port for port, (syns, _) in sent.by_port().items() if len(syns) >= 3]
    wait("a SYN is repeated twice", repeated, 60)
    two.cut(False)
    two.settle()
    ports = sent.by_port()
    slow = {port: payloads for port, (syns, payloads) in ports.items() if len(syns) >= 3}
    two.bench.say(f"repeated SYNs: {[len(syns) for syns, _ in ports.values()]}")
    expect(not any(slow.values()), f"a message went over a window of one segment: {slow}")
    expect(any(payloads for _, payloads in ports.values()), f"{ports}")


def an_mtu_hole(two):
    """The line swallows large packets, both ways, and nobody says so: small ones carry it all."""
    mark = two.mark()
    two.net.set("H47.12", rate=20_000_000, mtu_hole=1300)  # a faster line has larger packets
    note = "ghi chú " + "".join(random.Random(3).choice("abcdefghijklmnopqrstuvwxyz0123456789")
                                for _ in range(20000))
    begin = time.monotonic()
    code = two.district.must({"op": "create", "dossier": {
        "procedure": "1.001193", "summary": note}})[0]["code"]
    wait("the large dossier arrives", lambda: two.arrived(code), 120)
    two.bench.say(f"MTU hole: delivered after {time.monotonic() - begin:.1f} s")
    expect("event=silent" in two.log_since(mark), "nothing was swallowed: the test shows nothing")
    begin = time.monotonic()
    code = two.district.must({"op": "create", "dossier": {
        "procedure": "1.001193", "summary": note[::-1]}})[0]["code"]
    wait("the next arrives", lambda: two.arrived(code), 120)
    again = time.monotonic() - begin
    two.bench.say(f"MTU hole: the next after {again:.1f} s")
    expect(again < 10, f"it has forgotten: the next took {again:.1f} s")
    two.net.set("H47.12", mtu_hole=0, **LINE)
    two.settle()


def what_a_day_costs(two):
    """The agent's count of IP bytes against the emulator's."""
    before = two.district.get("/v1/status")["budget"]["spent_bytes"]
    two.net.reset()
    codes = [two.create() for _ in range(300)]
    wait("all arrive", lambda: two.arrived(codes[-1]))
    two.settle()
    time.sleep(5)  # quiet connections are looked at every four seconds
    line = two.net.counters()["H47.12"]
    real = sum(line[way]["bytes"] for way in ("up", "down"))
    spent = two.district.get("/v1/status")["budget"]["spent_bytes"] - before
    two.bench.say(f"a day's cost: {spent} bytes counted, {real} on the line")
    expect(abs(spent - real) <= real * 0.05 + 200, f"{spent} counted, {real} on the line")


def a_reconnection(two):
    """A session that ends and begins again with nothing new."""
    expect(two.district.stop() == 0, "the district's agent did not end well")
    time.sleep(1)
    two.net.reset()
    two.district.start()
    two.settle()
    time.sleep(1)
    line = two.net.counters()["H47.12"]
    ways = {way: (line[way]["bytes"], line[way]["packets"]) for way in ("up", "down")}
    total = sum(size for size, _ in ways.values())
    two.bench.say(f"reconnection with nothing new: {total} bytes of IP, (bytes, packets) {ways}")
    # 587 in six packets when none is lost and nothing dawdles: both ends' acknowledgements of the
    # handshake ride on data.
    expect(total <= 900, f"a reconnection costs {total} bytes")


def test(bench):
    two = Two(bench, bench.net)
    a_reconnection(two)
    what_a_day_costs(two)
    an_mtu_hole(two)  # before cuts make the agent suspect one
    a_short_cut(two)
    a_dead_path(two)
    a_swallowed_first_message(two)
    a_repeated_syn(two)
    an_address_that_comes_back(two)


def run(options, net):
    bench = FarBench(options, net)
    try:
        test(bench)
    except Exception as wrong:
        print(f"FAILED: {type(wrong).__name__}: {wrong}", file=sys.stderr)
        for office in bench.offices.values():
            print(f"---- {office.code}\n{offices.tail(office.log, 40)}", file=sys.stderr)
        return 1
    finally:
        bench.close()
    bench.say("passed")
    return 0


def main():
    parser = offices.parser(__doc__)
    parser.add_argument("--emulator", required=True, help="the program link_emulator")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="lienthong-test-") as folder:
            with Emulator(options.emulator, ["H47", "H47.12"], seed=7,
                          trace=os.path.join(folder, "trace")) as net:
                return run(options, net)
    except NoRights as wrong:
        return skip_without_rights(wrong)


if __name__ == "__main__":
    sys.exit(main())
