#!/usr/bin/env python3
"""Shows a trace of the link emulator (tests/bench/run --trace FOLDER) as a timeline.

One line for each packet that enters the access link of a node: seconds since the first, TCP
connection, direction, sequence and acknowledgement counted from the connection's start, payload,
what is acknowledged selectively, and when it arrives or what became of it. A packet whose payload
went before says "again".
"""
import argparse
import signal


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("trace")
    parser.add_argument("--node", help="whose link; the first that sends a SYN unless named")
    parser.add_argument("--from", dest="begin", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--to", dest="end", type=float, default=1e9, metavar="SECONDS")
    parser.add_argument("--summary", action="store_true", help="only a line for each half second")
    return parser.parse_args()


def packets(path):
    with open(path, encoding="utf-8") as stream:
        names = stream.readline().split()
        for line in stream:
            yield dict(zip(names, line.split()))


class Connection:
    """Where its two directions begin, and what was sent of each."""

    def __init__(self, number):
        self.number, self.base, self.sent = number, {}, {}

    def relative(self, way, value):
        return (int(value) - self.base.get(way, int(value))) % 2**32

    def show(self, packet):
        way, other = packet["way"], {"up": "down", "down": "up"}[packet["way"]]
        if "S" in packet["flags"]:
            self.base[way] = int(packet["seq"])
        begin, size = self.relative(way, packet["seq"]), int(packet["payload"])
        again = size > 0 and begin < self.sent.get(way, 0) and packet["fate"] != "gone"
        self.sent[way] = max(self.sent.get(way, 0), begin + size)
        acknowledged = self.relative(other, packet["ack"]) if "A" in packet["flags"] else "-"
        holes = "" if packet["sack"] == "-" else " sack " + ",".join(
            "-".join(str(self.relative(other, end)) for end in part.split("-"))
            for part in packet["sack"].split(","))
        return (f"{packet['flags']:3} {begin:7}+{size:<5} ack {acknowledged:>7}{holes}"
                + (" again" if again else ""))


def fate(packet, now, start):
    if packet["fate"][0].isdigit():
        at = float(packet["fate"])
        return f"there {at - start:.3f} (+{(at - now) * 1000:.0f} ms)"
    return {"loss": "LOST", "queue": "QUEUE FULL", "outage": "LINK DOWN",
            "gone": "LOST IN THE AIR: LINK DOWN"}[packet["fate"]]


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = parse()
    node, start, connections, halves = options.node, None, {}, {}
    for packet in packets(options.trace):
        if packet["flags"] == "-":
            continue
        if node is None and packet["flags"] == "S":
            node = packet["node"]
        if packet["node"] != node:
            continue
        now = float(packet["time"])
        start = now if start is None else start
        ports = frozenset((packet["from"], packet["to"]))
        if ports not in connections:
            connections[ports] = Connection(len(connections) + 1)
        shown = connections[ports].show(packet)
        since = now - start
        half = halves.setdefault((int(since * 2), packet["way"]), [0, 0, 0])
        half[0] += 1
        half[1] += int(packet["payload"])
        half[2] += not packet["fate"][0].isdigit()
        if options.begin <= since <= options.end and not options.summary:
            arrow = "→" if packet["way"] == "up" else "   ←"
            print(f"{since:8.3f} #{connections[ports].number} {arrow:4} {shown}  "
                  f"{fate(packet, now, start)}")
    if options.summary:
        for (half, way), (count, size, lost) in sorted(halves.items()):
            print(f"{half / 2:6.1f} s {way:4} {count:4} packets {size:7} bytes {lost:3} lost")


if __name__ == "__main__":
    main()
