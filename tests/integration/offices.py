"""Agents as real processes on loopback, for the tests in this folder: their folders, their daemons,
the command line and the local API. Every wait has a deadline; what was started is ended by its id.
"""
import argparse
import atexit
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import api_contract

PATIENCE = 60  # seconds for anything to settle; a loaded machine needs most of a test's time here
TREE = (("H47", "Tỉnh Quảng Nam", "province", None),
        ("H47.12", "Huyện Phú Ninh", "district", "H47"),
        ("H47.12.05", "Xã Tam Dân", "commune", "H47.12"),
        ("H47.12.06", "Xã Tam Thái", "commune", "H47.12"),
        ("H47.12.07", "Xã Tam Lãnh", "commune", "H47.12"))


class Wrong(Exception):
    """What a test found, as its message."""


def expect(condition, message):
    if not condition:
        raise Wrong(message)


def wait(what, ready, patience=PATIENCE):
    """The first true value of ready()."""
    deadline = time.monotonic() + patience
    while True:
        value = ready()
        if value:
            return value
        expect(time.monotonic() < deadline, f"not within {patience} s: {what}")
        time.sleep(0.05)


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
    body, count = re.subn(rf"^{name}\s*=[^\n]*$", line, text[begin.end():stop], flags=re.M)
    body = body if count else f"\n{line}" + body
    return text[:begin.end()] + body + text[stop:]


def tail(path, lines=15):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return "".join(stream.readlines()[-lines:])
    except OSError as error:
        return str(error)


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path, patience):
        super().__init__("localhost", timeout=patience)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Office:
    """One agent: its folder, its daemon, and both ways of talking to it."""

    def __init__(self, bench, code, name, tier):
        self.bench, self.code, self.name, self.tier = bench, code, name, tier
        self.folder = os.path.join(bench.folder, code)
        self.config = os.path.join(self.folder, "agent.toml")
        self.socket = os.path.join(self.folder, "agent.sock")
        self.log = os.path.join(bench.folder, code + ".log")
        self.port = free_port()
        self.process = None
        self.enter = None  # what its process does before it is the agent's

    # ---- the command line ----

    def run(self, *words, stdin=None, patience=PATIENCE):
        """Its exit code, standard output and standard error."""
        return self.bench.run("--socket", self.socket, *words, stdin=stdin, patience=patience)

    def cli(self, *words, stdin=None):
        """Standard output of a verb that must succeed."""
        done = self.run(*words, stdin=stdin)
        expect(done.returncode == 0, f"{self.code}: lienthong {' '.join(words)}: exit "
               f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    # ---- the local API ----

    def request(self, method, path, body=None, headers=None, patience=PATIENCE):
        connection = SocketConnection(self.socket, patience)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
            wrong = api_contract.check(method, path, answer.status,
                                       answer.headers.get("Content-Type", ""), content)
            expect(not wrong, f"not as conf/openapi.yaml says: {'; '.join(wrong[:9])}")
            return answer.status, content.decode()
        finally:
            connection.close()

    def get(self, path):
        status, body = self.request("GET", path)
        expect(status == 200, f"{self.code}: GET {path}: {status} {body}")
        return json.loads(body)

    def lines(self, path):
        status, body = self.request("GET", path)
        expect(status == 200, f"{self.code}: GET {path}: {status} {body}")
        return [json.loads(line) for line in body.splitlines() if line]

    def operate(self, operations):
        """One answer to each operation, in order."""
        text = "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in operations)
        status, body = self.request("POST", "/v1/operations", text.encode())
        expect(status == 200, f"{self.code}: POST /v1/operations: {status} {body}")
        answers = [json.loads(line) for line in body.splitlines() if line]
        expect(len(answers) == len(operations),
               f"{self.code}: {len(answers)} answers to {len(operations)} operations")
        return answers

    def must(self, *operations):
        answers = self.operate(operations)
        for operation, answer in zip(operations, answers):
            expect(answer["ok"], f"{self.code}: {operation}: {answer}")
        return answers

    # ---- the daemon ----

    def configure(self, **link):
        """Quick redialling, so that tests are short."""
        with open(self.config, encoding="utf-8") as stream:
            text = stream.read()
        options = {"backoff_max_seconds": 1, "dials_per_second": 100, "dials_burst": 1000, **link}
        for name, value in options.items():
            text = set_option(text, "link", name, value)
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(text)

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.bench.daemon, "--config", self.config], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=self.enter)

    def start(self):
        self.spawn()
        wait(f"{self.code} answers", self.answers)

    def answers(self):
        expect(self.process.poll() is None, f"{self.code}: the agent ended with "
               f"{self.process.returncode}\n{tail(self.log)}")
        try:
            return self.request("GET", "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self, patience=PATIENCE):
        """Asks it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)

    def connected(self):
        neighbours = self.get("/v1/status")["neighbours"]
        return bool(neighbours) and all(n["state"] == "connected" for n in neighbours)


class Bench:
    """A folder, the two programs, and offices in it."""

    def __init__(self, options):
        self.cli = options.lienthong or os.path.join(options.bin, "tools", "lienthong")
        self.daemon = options.lienthongd or os.path.join(options.bin, "agent", "lienthongd")
        self.keep = options.keep
        self.folder = tempfile.mkdtemp(prefix="lienthong-test-")
        self.offices = {}
        self.begin = time.monotonic()
        atexit.register(self.close)

    def say(self, text):
        print(f"[{time.monotonic() - self.begin:5.1f} s] {text}", flush=True)

    def close(self):
        for office in self.offices.values():
            if office.process and office.process.poll() is None:
                office.kill()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """A file of the test's own; lines of bytes, or text."""
        data = content.encode() if isinstance(content, str) else content
        with open(self.path(name), "wb") as stream:
            stream.write(data)
        return self.path(name)

    def run(self, *words, stdin=None, patience=PATIENCE):
        """The command line, in English whatever the machine speaks; never with a terminal."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run([self.cli, "--lang", "en", *words], input=data or b"",
                              capture_output=True, check=False, timeout=patience)
        return subprocess.CompletedProcess(words, done.returncode,
                                           done.stdout.decode(errors="surrogateescape"),
                                           done.stderr.decode(errors="surrogateescape"))

    def office(self, code):
        if code not in self.offices:
            _, name, tier, _ = next(place for place in TREE if place[0] == code)
            self.offices[code] = Office(self, code, name, tier)
        return self.offices[code]

    def found(self, code="H47"):
        """The root, running."""
        office = self.office(code)
        secret = self.write(f"{code}.passphrase", os.urandom(16).hex() + "\n")
        office.cli("init", "--data", office.folder, "--agency", code, "--name", office.name,
                   "--tier", office.tier, "--listen", f"127.0.0.1:{office.port}",
                   "--passphrase-file", secret)
        office.configure()
        office.start()
        return office

    def invite(self, parent, child, *words):
        return parent.cli("invite", child.code, "--name", child.name, "--tier", child.tier,
                          *words).strip()

    def enrol(self, code, socket_path=None):
        """An office below one that runs, by token, running."""
        child = self.office(code)
        child.socket = socket_path or child.socket
        parent = self.office(next(place[3] for place in TREE if place[0] == code))
        child.cli("enroll", self.invite(parent, child), "--data", child.folder, "--listen",
                  f"127.0.0.1:{child.port}", *(["--socket", socket_path] if socket_path else []))
        child.configure()
        child.start()
        return child

    def deploy(self, codes):
        self.found(codes[0])
        for code in codes[1:]:
            self.enrol(code)
        return [self.offices[code] for code in codes]

    def wait_in_sync(self, patience=PATIENCE):
        """All in sync and connected, with nothing new between two looks."""
        seen = []

        def settled():
            statuses = [office.get("/v1/status") for office in self.offices.values()]
            neighbours = [n for status in statuses for n in status["neighbours"]]
            if not all(status["in_sync"] and status["neighbours"] for status in statuses):
                return False
            if not all(n["state"] == "connected" and n["in_sync"] for n in neighbours):
                return False
            seen.append([status["last_change"] for status in statuses])
            return len(seen) > 1 and seen[-1] == seen[-2]

        try:
            wait("every office in sync", settled, patience)
        except Wrong as wrong:
            states = [office.get("/v1/status") for office in self.offices.values()]
            raise Wrong(f"{wrong}\n" + "\n".join(json.dumps(s) for s in states)) from wrong


def parser(description):
    out = argparse.ArgumentParser(description=description.strip().split("\n")[0])
    out.add_argument("--bin", default="build/release", help="build folder with agent/ and tools/")
    out.add_argument("--lienthong", help="path of the command line")
    out.add_argument("--lienthongd", help="path of the agent")
    out.add_argument("--keep", action="store_true", help="leave the folder for looking at")
    return out


def main(options, test):
    """Runs test(bench); what it found goes to standard error, with the ends of the logs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(options)
    try:
        test(bench)
    except Exception as wrong:
        kind = "" if isinstance(wrong, Wrong) else type(wrong).__name__ + ": "
        print(f"FAILED: {kind}{wrong}", file=sys.stderr)
        for office in bench.offices.values():
            print(f"---- {office.code}\n{tail(office.log)}", file=sys.stderr)
        if not isinstance(wrong, Wrong):
            raise
        sys.exit(1)
    finally:
        bench.close()
    bench.say("passed")
