#!/usr/bin/env python3
"""The link emulator measured from outside: delay, loss, rate, queue, outages, counters, routers.

Lower bounds are strict; upper bounds leave room for a loaded machine.
"""
import argparse
import os
import select
import shutil
import socket
import statistics
import sys
import tempfile
import time

from emulator import Emulator, NoRights, skip_without_rights

HEADERS = 28  # IPv4 and UDP
PORT = 7000
SO_RCVBUFFORCE = 33  # Linux; not in Python's socket


class Pair:
    """Two nodes with a UDP socket each."""

    def __init__(self, net):
        self.net = net
        self.near, self.far = (net.socket(node, socket.SOCK_DGRAM) for node in ("near", "far"))
        for node, end in (("near", self.near), ("far", self.far)):
            end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
            end.bind((net.address(node), PORT))
        self.to_far = (net.address("far"), PORT)

    def send(self, text):
        self.near.sendto(text, self.to_far)

    def receive(self, patience):
        """Everything that comes until nothing came for so long: (when, bytes)."""
        out = []
        while select.select([self.far], [], [], patience)[0]:
            out.append((time.monotonic(), self.far.recv(65536)))
        return out

    def perfect(self):
        self.net.set("near", rate=0, delay=0, jitter=0, loss=0, burst_loss=0, queue=0, up=0, down=0,
                     cut=False)
        self.net.reset()

    def up(self):
        return self.net.counters()["near"]["up"]


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def delay(pair):
    pair.net.set("near", "up", delay=0.1)
    times = []
    for _ in range(10):
        begin = time.monotonic()
        pair.send(b"x")
        expect(select.select([pair.far], [], [], 10)[0], "nothing came")
        pair.far.recv(100)
        times.append(time.monotonic() - begin)
    expect(min(times) >= 0.1, f"came too early: {times}")
    expect(statistics.median(times) < 0.15, f"came too late: {times}")
    return f"100 ms of delay: median {statistics.median(times) * 1000:.1f} ms"


def loss(pair):
    pair.net.set("near", "up", loss=0.1)
    for i in range(3000):
        pair.send(b"%d" % i)
        if i % 50 == 0:
            time.sleep(0.001)
    came = len(pair.receive(0.5))
    counted = pair.up()
    expect(counted["packets"] == 3000, f"{counted}")
    expect(came == 3000 - counted["loss_drops"], f"{came} came: {counted}")
    expect(240 <= counted["loss_drops"] <= 360, f"{counted}")
    return f"10 % loss: {counted['loss_drops']} of 3000 lost"


def bursts(pair):
    pair.net.set("near", "up", burst_loss=0.2, burst_packets=10)
    for i in range(3000):
        pair.send(b"%d" % i)
        if i % 50 == 0:
            time.sleep(0.001)
    numbers = [int(text) for _, text in pair.receive(0.5)]
    gaps = [b - a - 1 for a, b in zip(numbers, numbers[1:]) if b > a + 1]
    lost, mean = 3000 - len(numbers), statistics.mean(gaps)
    expect(300 <= lost <= 900, f"{lost} lost")
    expect(5 <= mean <= 20, f"bursts of {mean}")
    return f"20 % lost in bursts of 10: {lost} of 3000, bursts of {mean:.1f}"


def rate(pair):
    pair.net.set("near", "up", rate=512_000)
    size = 1472
    for _ in range(40):
        pair.send(bytes(size))
    came = pair.receive(2)
    expect(len(came) == 40, f"{len(came)} came")
    took, should = came[-1][0] - came[0][0], 39 * (size + HEADERS) * 8 / 512_000
    expect(took >= should * 0.97, f"{took} s, should be {should}")
    expect(took <= should * 1.25, f"{took} s, should be {should}")
    return f"512 kbit/s: {39 * (size + HEADERS) * 8 / took / 1000:.1f} kbit/s"


def queue(pair):
    pair.net.set("near", "up", rate=64_000, queue=15_000)
    for _ in range(40):
        pair.send(bytes(1472))
    came = len(pair.receive(3))
    counted = pair.up()
    expect(came + counted["queue_drops"] == 40, f"{came} came: {counted}")
    expect(10 <= came <= 14, f"{came} came through a queue of ten packets")
    expect(counted["queue_bytes_peak"] <= 15_000, f"{counted}")
    return f"a queue of 15,000 bytes: {came} of 40 packets came"


def outages(pair):
    pair.net.set("near", "up", cut=True)
    pair.send(b"lost")
    expect(not pair.receive(0.3), "came through a link that is cut")
    pair.net.set("near", "up", cut=False)
    pair.send(b"kept")
    expect([text for _, text in pair.receive(0.5)] == [b"kept"], "the link is not mended")
    pair.net.set("near", "up", up=0.5, down=0.5)
    begin, sent = time.monotonic(), []
    while time.monotonic() < begin + 2:
        moment = time.monotonic() - begin
        pair.send(b"%.4f" % moment)
        sent.append(moment)
        time.sleep(0.01)
    came = {float(text) for _, text in pair.receive(0.5)}
    # Near the edges either is right: our clock is not the emulator's.
    clear = [m for m in sent if 0.1 < m % 0.5 < 0.4]
    wrong = [m for m in clear if (m % 1 < 0.5) != (float(b"%.4f" % m) in came)]
    expect(len(wrong) <= len(clear) // 20, f"at {wrong}")
    return f"half a second up, half down: {len(came)} of {len(sent)} came"


def counters(pair):
    pair.send(bytes(100))
    pair.send(bytes(200))
    pair.receive(0.3)
    up, down = pair.up(), pair.net.counters()["far"]["down"]
    expect((up["bytes"], up["packets"]) == (300 + 2 * HEADERS, 2), f"{up}")
    expect(down["delivered_bytes"] == up["bytes"], f"{down}")
    return "IP bytes are counted to the byte"


def trace(pair, path):
    """Every packet's fate is in the log, which timeline.py reads by the names of its columns."""
    pair.net.set("near", "up", delay=0.05)
    pair.send(bytes(10))
    pair.receive(0.3)  # the emulator has it before it is told of the loss
    pair.net.set("near", "up", loss=1)
    pair.send(bytes(20))
    pair.receive(0.3)
    pair.net.set("near", "up", cut=True)
    pair.send(bytes(30))
    pair.receive(0.3)
    listener = pair.net.socket("far")
    listener.bind((pair.net.address("far"), PORT))
    listener.listen()
    pair.perfect()
    dialler = pair.net.socket("near")
    dialler.connect((pair.net.address("far"), PORT))
    dialler.sendall(bytes(1000))
    listener.accept()[0].recv(1000, socket.MSG_WAITALL)
    with open(path, encoding="utf-8") as stream:
        names = stream.readline().split()
        lines = [dict(zip(names, line.split())) for line in stream]
    sent = [line for line in lines if (line["node"], line["way"]) == ("near", "up")]
    fates = {line["bytes"]: line["fate"] for line in sent[-64:] if line["flags"] == "-"}
    arrived = next(line for line in sent if line["bytes"] == str(10 + HEADERS))
    late = float(arrived["fate"]) - float(arrived["time"])
    expect(abs(late - 0.05) < 0.001, f"{arrived}")
    expect(fates[str(20 + HEADERS)] == "loss" and fates[str(30 + HEADERS)] == "outage", f"{fates}")
    tcp = [line for line in sent if line["to"] == str(PORT)]
    expect(tcp[0]["flags"] == "S" and any(line["payload"] == "1000" and int(line["seq"]) ==
                                          int(tcp[0]["seq"]) + 1 for line in tcp), f"{tcp}")
    return f"{len(lines)} packets are in the log, with their fate"


def reaches(net, node, address):
    """Whether a connection from a node comes about within half a second."""
    with net.socket(node) as dialler:
        dialler.settimeout(0.5)
        try:
            dialler.connect(address)
        except OSError:
            return False
        return True


def carry(sender, receiver, size):
    """Whether so many bytes arrive as they were sent."""
    text = bytes(i * 7 % 251 for i in range(size))
    sender.sendall(text)
    came = b""
    while len(came) < size:
        came += receiver.recv(size)
    return came == text


def router(net):
    """Behind one a node dials out as another, nobody dials in, and after a power cut of it what
    was connected is not."""
    listeners = {}
    for node in ("far", "home"):
        listeners[node] = net.socket(node)
        listeners[node].bind(("0.0.0.0", PORT + 1))
        listeners[node].listen()
        listeners[node].settimeout(5)
    far, home = ((net.address(node), PORT + 1) for node in ("far", "home"))
    expect(reaches(net, "far", home), "without a router home cannot be dialled")
    outside = net.nat("home")
    expect(outside != home[0], "the router has the node's address")
    dialler = net.socket("home")
    dialler.settimeout(5)
    dialler.connect(far)
    accepted, seen = listeners["far"].accept()
    accepted.settimeout(5)
    expect(seen[0] == outside and seen[1] != dialler.getsockname()[1], f"{seen} dialled")
    expect(carry(dialler, accepted, 100_001) and carry(accepted, dialler, 100_001), "bytes differ")
    for node, address in (("far", home), ("far", (outside, PORT + 1)), ("far", seen),
                          ("near", seen)):
        expect(not reaches(net, node, address), f"{node} reached {address} behind the router")
    with net.socket("home", socket.SOCK_DGRAM) as talker, \
            net.socket("far", socket.SOCK_DGRAM) as hearer:
        hearer.bind((far[0], PORT + 2))
        talker.sendto(b"x", (far[0], PORT + 2))
        expect(not select.select([hearer], [], [], 0.3)[0], "something else than TCP passed")
    drops = net.counters()["home"]["nat_drops"]
    expect(drops >= 5, f"{drops} packets were not let through")
    net.nat("home")
    dialler.sendall(b"x")
    accepted.sendall(b"x")
    expect(not select.select([dialler, accepted], [], [], 1)[0], "the router has not forgotten")
    with net.socket("home") as again:
        again.connect(far)
        expect(listeners["far"].accept()[1] != seen, "a port was used again")
    return f"a router: {home[0]} is seen as {outside}, and only when it dials"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--emulator", default="build/release/tests/emulator/link_emulator")
    options = parser.parse_args()
    try:
        path = os.path.join(tempfile.mkdtemp(prefix="lienthong-test-"), "trace")
        net = Emulator(options.emulator, ["near", "far", "home"], seed=3, trace=path)
    except NoRights as wrong:
        return skip_without_rights(wrong)
    with net:
        pair = Pair(net)
        for test in (counters, delay, loss, bursts, rate, queue, outages):
            pair.perfect()
            print(test(pair), flush=True)
        pair.perfect()
        print(trace(pair, path), flush=True)
        print(router(net), flush=True)
    shutil.rmtree(os.path.dirname(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
