"""Network namespaces joined by an emulated bad link, for tests and benchmarks.

    with Emulator(binary, ["commune", "district"], seed=1) as net:
        net.set("commune", rate=512_000, delay=0.3, loss=0.02, queue=65536)
        process = net.spawn("commune", [program, ...])
        net.counters()["commune"]["up"]["bytes"]

Each node has one access link; `up` is what it sends, `down` what it receives. Whatever is not set
is perfect. Everything is gone when the emulator ends: it alone holds the namespaces.
"""
import ctypes
import json
import os
import socket
import subprocess

CLONE_NEWNET = 0x40000000
NO_RIGHTS = 3
PATIENCE = 30  # seconds


class NoRights(Exception):
    """This user may not make namespaces and TUN devices; the message says why."""


class Failed(Exception):
    """The emulator refused a command or ended."""


def skip_without_rights(wrong):
    """What a test says and returns (ctest's SKIP_RETURN_CODE) where there are no rights."""
    print(f"SKIPPED: needs CAP_SYS_ADMIN, CAP_NET_ADMIN and /dev/net/tun: {wrong}", flush=True)
    return 77


class Emulator:
    """The emulator's process, its nodes by name, and what was started in them."""

    def __init__(self, binary, nodes, seed=1, congestion=None, mtu=1500, trace=None):
        words = [binary, "--seed", str(seed), "--mtu", str(mtu)]
        words += ["--congestion", congestion] if congestion else []
        words += ["--trace", trace] if trace else []  # a file: a line for each packet
        self.children, self.trace = [], trace
        self.process = subprocess.Popen([*words, *nodes], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, start_new_session=True)
        line = self.process.stdout.readline()
        greeting = json.loads(line) if line else {"error": "no word from it"}
        if not greeting.get("ready"):
            code = self.process.wait(PATIENCE)
            raise (NoRights if code == NO_RIGHTS else Failed)(greeting["error"])
        self.nodes = {node["name"]: node for node in greeting["nodes"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def address(self, node):
        return self.nodes[node]["address"]

    def command(self, **words):
        try:
            self.process.stdin.write(json.dumps(words).encode() + b"\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (OSError, ValueError) as wrong:
            raise Failed(f"the emulator ended: {wrong}") from wrong
        if not answer["ok"]:
            raise Failed(answer["error"])
        return answer

    def set(self, node, direction="both", **settings):
        """rate (bit/s), delay, jitter, up, down, phase (seconds), loss, burst_loss (0 to 1),
        burst_packets, queue and mtu_hole (bytes), cut (bool); what is not named stays. Schedules
        begin anew."""
        self.command(do="set", node=node, direction=direction, settings=settings)

    def nat(self, node):
        """Puts a node behind a router with an address of its own, which this returns: connections
        are made from inside only. Once more: the router forgets those that there are."""
        return self.command(do="nat", node=node)["address"]

    def counters(self):
        """node -> up and down -> bytes and packets on the line, and what became of them; nat_drops:
        packets that its router did not let through."""
        return self.command(do="counters")["nodes"]

    def reset(self):
        self.command(do="reset")

    def inside(self, node, words):
        """The words of a command that runs in a node; the process id stays the same."""
        return ["nsenter", "--net=" + self.nodes[node]["namespace"], "--", *words]

    def spawn(self, node, words, **options):
        child = subprocess.Popen(self.inside(node, words), **options)
        self.children.append(child)
        return child

    def socket(self, node, kind=socket.SOCK_STREAM):
        """An IPv4 socket of this process that lives in the node."""
        libc = ctypes.CDLL(None, use_errno=True)
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        theirs = os.open(self.nodes[node]["namespace"], os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(theirs, CLONE_NEWNET) != 0:
                raise Failed(f"entering {node}: {os.strerror(ctypes.get_errno())}")
            try:
                return socket.socket(socket.AF_INET, kind)
            finally:
                if libc.setns(ours, CLONE_NEWNET) != 0:
                    raise Failed("coming back from a namespace")
        finally:
            os.close(ours)
            os.close(theirs)

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait(PATIENCE)
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)
        self.process.stdout.close()
