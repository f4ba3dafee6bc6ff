#!/usr/bin/env python3
"""Offices on one machine for tools/demo: agents that are started, enrolled, fed with operations and
compared. What they live through is a scenario of its own (demo_run.py has the table).
"""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import demo_relay

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 60  # seconds for anything to settle


class Disagreement(Exception):
    pass


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def set_option(text, section, name, value):
    """The text of a configuration with one option of a [section] set."""
    line = f"{name} = {value}"
    begin = re.search(rf"^\[{section}\]\s*$", text, re.M)
    if not begin:
        return text + f"\n[{section}]\n{line}\n"
    end = re.search(r"^\[", text[begin.end():], re.M)
    stop = begin.end() + end.start() if end else len(text)
    body = text[begin.end():stop]
    changed, count = re.subn(rf"^{name}\s*=[^\n]*$", line, body, flags=re.M)
    return text[:begin.end()] + (changed if count else f"\n{line}" + body) + text[stop:]


class Agent:
    """One office: its folder, its daemon, and the command line that talks to it."""

    def __init__(self, demo, code, name, tier, key=None):
        self.demo, self.code, self.name, self.tier = demo, code, name, tier
        self.folder = os.path.join(demo.folder, key or code)
        self.config = os.path.join(self.folder, "agent.toml")
        self.socket = os.path.join(self.folder, "agent.sock")
        self.log = self.folder + ".log"
        self.port = free_port()
        self.process = None

    def cli(self, *words, check=True, stdin=None):
        """Runs the command line against this office; its standard output."""
        command = [self.demo.cli, "--socket", self.socket, "--lang", self.demo.lang, *words]
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise Disagreement(f"{self.code}: lienthong {' '.join(words)}: exit "
                               f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.cli("--json", *words))

    def get(self, path):
        """The local API as any program uses it."""
        connection = SocketConnection(self.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise Disagreement(f"{self.code}: GET {path}: {answer.status} {body}")
        return body

    def lines(self, path):
        return [json.loads(line) for line in self.get(path).splitlines() if line]

    def status(self):
        return json.loads(self.get("/v1/status"))

    def configure(self, relay_port=None):
        """Quick redialling, so that the demo is short; the line to the parent runs over a relay."""
        with open(self.config, encoding="utf-8") as stream:
            text = stream.read()
        for name, value in (("backoff_max_seconds", 2), ("dials_per_second", 100),
                            ("dials_burst", 1000)):
            text = set_option(text, "link", name, value)
        if relay_port:
            text, count = re.subn(r"^addresses\s*=\s*\[[^\]]*\]",
                                  f'addresses = ["127.0.0.1:{relay_port}"]', text, flags=re.M)
            if count != 1:
                raise Disagreement(f"{self.config}: one parent was expected, found {count}")
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(text)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.demo.daemon, "--config", self.config], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        self.demo.wait(f"{self.code} answers", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            raise Disagreement(f"{self.code}: the agent ended with {self.process.returncode}\n"
                               + tail(self.log))
        try:
            return bool(self.get("/healthz"))
        except (OSError, http.client.HTTPException):
            return False


def tail(path, lines=15):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return "".join(stream.readlines()[-lines:])


class Demo:
    """A tree of offices. A scenario says which, and what they do: `places`, `parents`, `run`."""

    places = []   # (code, name, kind[, key]), the topmost first, each after the one above it
    parents = {}  # key -> the one above, where that is not its code without the last part
    example = ""  # whose agent --keep speaks of

    def __init__(self, options):
        self.options = options
        self.lang = options.lang
        self.cli = os.path.join(options.bin, "tools", "lienthong")
        self.daemon = os.path.join(options.bin, "agent", "lienthongd")
        self.folder = tempfile.mkdtemp(prefix="lienthong-")
        self.control = os.path.join(self.folder, "relay.sock")
        self.relay = None
        self.begin = time.monotonic()
        # By the code of the office; a further machine of one by its key, such as H17.20392@2.
        self.agents = {(place[3] if len(place) > 3 else place[0]): Agent(self, *place)
                       for place in self.places}
        self.holders = {}  # code of each dossier -> who should hold it
        self.seers = {}    # code of each dossier -> who should have it

    # ---- telling ----

    def say(self, english, vietnamese):
        seconds = time.monotonic() - self.begin
        print(f"[{seconds:5.1f} s] {vietnamese if self.lang == 'vi' else english}", flush=True)

    def show(self, agent, *words):
        print(f"$ lienthong {' '.join(words)}          # {agent.code} {agent.name}")
        print("".join("    " + line + "\n" for line in agent.cli(*words).splitlines()), flush=True)

    def wait(self, what, ready):
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if time.monotonic() > deadline:
                raise Disagreement(f"not within {PATIENCE} s: {what}")
            time.sleep(0.05)

    def above(self, code):
        """The office above; empty for the topmost."""
        return self.parents.get(code) or code.rpartition(".")[0]

    # ---- setting up ----

    def found_topmost(self):
        top = next(iter(self.agents.values()))
        secret = os.path.join(self.folder, "passphrase")
        file = os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600)
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(os.urandom(16).hex() + "\n")
        top.cli("init", "--data", top.folder, "--agency", top.code, "--name", top.name, "--tier",
                top.tier, "--listen", f"127.0.0.1:{top.port}", "--passphrase-file", secret)
        top.configure()
        top.start()

    def enrol(self, parent, child, relay_port):
        token = parent.cli("invite", child.code, "--name", child.name, "--tier", child.tier).strip()
        child.cli("enroll", token, "--data", child.folder, "--listen", f"127.0.0.1:{child.port}")
        child.configure(relay_port)
        child.start()

    def start_relay(self):
        links = [f"{code}={self.agents[self.above(code)].port}" for code in self.agents
                 if self.above(code)]
        self.relay = subprocess.Popen(
            [sys.executable, "-B", os.path.join(HERE, "demo_relay.py"), "--control", self.control,
             *links], stdout=subprocess.PIPE, text=True, start_new_session=True)
        return json.loads(self.relay.stdout.readline())

    def set_up(self):
        self.found_topmost()
        ports = self.start_relay()
        for code, agent in self.agents.items():
            if self.above(code):
                self.enrol(self.agents[self.above(code)], agent, ports[code])
        self.wait_in_sync(self.agents)
        count = len(self.agents)
        self.say(f"{count} agents run; {count - 1} were enrolled, each with one token",
                 f"{count} tác tử đang chạy; {count - 1} tác tử gia nhập, mỗi tác tử bằng một mã")

    # ---- agreeing ----

    def wait_in_sync(self, codes):
        """All of them in sync with nothing new while it was looked."""
        seen = []

        def settled():
            statuses = [self.agents[code].status() for code in codes]
            if not all(s["in_sync"] and s["neighbours"] for s in statuses):
                return False
            if not all(n["state"] == "connected" for s in statuses for n in s["neighbours"]):
                return False
            seen.append([s["last_change"] for s in statuses])
            return len(seen) > 1 and seen[-1] == seen[-2]

        self.wait("in sync: " + ", ".join(codes), settled)

    def expect(self, code, holder, *others):
        """The dossier is held by `holder`; it, its superiors and all that came before have it."""
        seers = self.seers.setdefault(code, set())
        for agency in (holder, *others):
            while agency:
                seers.add(agency)
                agency = self.above(agency)
        self.holders[code] = holder

    def check_replicas(self):
        """Record by record: who has it, what it says, who holds it."""
        replicas = {code: self.agents[code].lines("/v1/digest") for code in self.agents}
        found, wrong = {}, []
        for agency, lines in replicas.items():
            for line in lines:
                key = (line["code"], line["record"])
                found.setdefault(key, {})[agency] = (line["digest"], line["holder"],
                                                     line.get("offered_to"))
        for (code, _), copies in found.items():
            if len(set(copies.values())) != 1:
                wrong.append(f"{code}: replicas differ: {copies}")
            wanted = {key for key, agent in self.agents.items()
                      if getattr(agent, "code", key) in self.seers.get(code, set())}
            if set(copies) != wanted:
                wrong.append(f"{code}: held by the replicas of {sorted(copies)}, should be "
                             f"{sorted(wanted)}")
            holder = next(iter(copies.values()))[1]
            if holder != self.holders.get(code):
                wrong.append(f"{code}: custodian {holder}, should be {self.holders.get(code)}")
        codes = [code for code, _ in found]
        wrong += [f"{code}: nowhere" for code in self.holders if code not in set(codes)]
        wrong += [f"{code}: two records" for code in set(codes) if codes.count(code) > 1]
        if wrong:
            raise Disagreement(f"{len(wrong)} disagreements\n" + "\n".join(wrong[:20]))
        return len(found), sum(len(lines) for lines in replicas.values())

    # ---- work ----

    def operate(self, agent, operations):
        """Operations on an office's dossiers, all of which must go in."""
        text = "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in operations)
        path = agent.folder + ".jsonl"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        done = agent.json("apply", path)
        if done["applied"] != len(operations):
            raise Disagreement(f"{agent.code}: {done}")

    def hand_over(self, codes, giver, taker, note, **more):
        """Offers in one office and, once they have arrived, accepts in the other."""
        self.offer(codes, giver, taker, note, **more)
        self.accept(codes, taker)

    def offer(self, codes, giver, taker, note, **more):
        self.operate(self.agents[giver], [
            {"op": "offer", "code": code, "to": taker, "note": note, **more} for code in codes])

    def wait_for_offers(self, codes, taker):
        agent, wanted = self.agents[taker], set(codes)
        self.wait(f"offers at {taker}", lambda: wanted <= {
            line["code"] for line in agent.lines("/v1/handoffs?pending=1&direction=in")})

    def accept(self, codes, taker):
        self.wait_for_offers(codes, taker)
        self.operate(self.agents[taker], [{"op": "accept", "code": code} for code in codes])
        for code in codes:
            self.expect(code, taker)

    def work(self, agency, codes, status, action, officer, **fields):
        self.operate(self.agents[agency], [
            {"op": "set", "code": code, "fields": {"status": status, **fields},
             "event": {"officer": officer, "action": action}} for code in codes])

    # ---- the account ----

    def print_counts(self):
        print(f"\n{'agency':16}{'holds':>8}{'sees':>8}  name")
        for code, agent in self.agents.items():
            lines = agent.lines("/v1/digest")
            holds = sum(1 for line in lines if line["holder"] == agent.code)
            print(f"{code:16}{holds:8}{len(lines):8}  {agent.name}")

    def print_bytes(self):
        print(f"\n{'line':36}{'up':>12}{'down':>12}{'connections':>13}")
        for code, line in demo_relay.ask(self.control, ["bytes"]).items():
            parent = self.above(code)
            print(f"{code + ' → ' + parent:36}{line['bytes_up']:12,}{line['bytes_down']:12,}"
                  f"{line['connections']:13}")
        print(flush=True)

    # ---- ending ----

    def processes(self):
        children = [agent.process for agent in self.agents.values()] + [self.relay]
        return [child for child in children if child is not None and child.poll() is None]

    def stop(self):
        running = self.processes()
        for child in running:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        for child in running:
            try:
                child.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def keep(self):
        pids = " ".join(str(child.pid) for child in self.processes())
        print(f"\nThe agents go on, in {self.folder}. For instance:\n"
              f"  export LIENTHONG_SOCKET={self.agents[self.example].socket}\n"
              f"  {self.cli} status\n"
              f"  {self.cli} handoff list --pending\n"
              f"  curl --unix-socket $LIENTHONG_SOCKET http://localhost/v1/status\n"
              f"Cut a line and join it again:\n"
              f"  {HERE}/demo_relay.py --control {self.control} cut {self.example}\n"
              f"  {HERE}/demo_relay.py --control {self.control} join {self.example}\n"
              f"Stop everything and remove it:\n"
              f"  kill {pids}; rm -r {self.folder}")
