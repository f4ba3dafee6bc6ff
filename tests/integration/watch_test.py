#!/usr/bin/env python3
"""What somebody sees who watches: the live screen through a pseudo terminal of 80 by 24, in both
languages, with the bytes that each refresh sends; and figures, rules and board, by
promtool where it is installed.
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time

import offices
from offices import expect, wait

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROWS, COLUMNS = 24, 80
FIRST_MAX, REFRESH_MAX, KEY_MAX = 4096, 600, 3000  # bytes; 64 kbit/s are 8,000 a second
SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Screen:
    """The command line on a terminal, and what that shows."""

    def __init__(self, bench, office, *words, lang="en"):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = self.bytes = 0
        self.rest = b""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execv(bench.cli, [bench.cli, "--socket", office.socket, "--lang", lang, *words])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read(self, seconds):
        """Takes what comes in that time; how many bytes it was."""
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            if not select.select([self.terminal], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                break
            count += len(data)
            self.show(data)
        return count

    def show(self, data):
        data = self.rest + data
        for cut in range(4):  # a letter may come in two pieces
            try:
                text = data[:len(data) - cut].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            raise AssertionError(f"no UTF-8: {data!r}")
        self.rest = data[len(text.encode()):]
        at = 0
        while at < len(text):
            match = SEQUENCE.match(text, at)
            if match:
                self.obey(*match.groups())
                at = match.end()
            else:
                if text[at] >= " ":
                    expect(self.column < COLUMNS, "written beyond the edge")
                    self.cells[self.row][self.column] = text[at]
                    self.column += 1
                at += 1

    def obey(self, words, letter):
        if letter == "H":
            self.row, self.column = [int(word) - 1 for word in words.split(";")]
        elif letter == "K":
            self.cells[self.row][self.column:] = [" "] * (COLUMNS - self.column)
        elif letter == "J":
            self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def until(self, word, seconds=20):
        end = time.monotonic() + seconds
        count = 0
        while word not in self.text():
            expect(time.monotonic() < end, f"{word!r} is not shown:\n{self.text()}")
            count += self.read(0.2)
        return count

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def close(self):
        """Its exit code after q."""
        self.type("q")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.read(0.1)
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                os.close(self.terminal)
                return os.waitstatus_to_exitcode(status)
        raise offices.Wrong("it does not end")


def work(above, below):
    """Handoffs both ways, one late dossier, one due soon."""
    codes = {}
    codes["mine"] = above.must({"op": "create", "dossier": {"summary": "a"}})[0]["code"]
    above.must({"op": "offer", "code": codes["mine"], "to": below.code})
    codes["theirs"] = below.must({"op": "create", "dossier": {"summary": "b"}})[0]["code"]
    below.must({"op": "offer", "code": codes["theirs"], "to": above.code})
    soon = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 86400))
    codes["late"] = below.must({"op": "create", "dossier": {
        "summary": "c", "due_at": "2026-01-09T17:00:00+07:00"}})[0]["code"]
    codes["soon"] = below.must({"op": "create", "dossier": {
        "summary": "d", "due_at": soon}})[0]["code"]
    return codes


def the_live_screen(bench, below, codes):
    screen = Screen(bench, below, "top")
    first = screen.until("Due within three days (1)")
    first += screen.read(0.3)
    shown = screen.text()
    for word in ("H47.12", "Huyện Phú Ninh", "connected", "For this office to answer (1)",
                 "For others to answer (1)", "Late (1)", "lanes today", *codes.values()):
        expect(word in shown, f"{word!r} is not shown:\n{shown}")
    refresh = screen.read(4.2) / 2
    bench.say(f"top: {first} bytes at first, {refresh:.0f} a refresh where nothing happens")
    expect(first <= FIRST_MAX and refresh <= REFRESH_MAX, f"{first} and {refresh} bytes")
    screen.type("\x1b[B\x1b[A")
    moved = screen.read(0.5)
    expect(0 < moved < REFRESH_MAX, f"to choose another row took {moved} bytes")
    expect(screen.close() == 0, "top did not end well")
    vietnamese = Screen(bench, below, "top", lang="vi")
    vietnamese.until("Chờ cơ quan này trả lời (1)")
    print(vietnamese.text(), flush=True)
    expect(vietnamese.close() == 0, "top did not end well")


def without_a_terminal(bench, below):
    done = bench.run("--socket", below.socket, "top")
    expect(done.returncode == 2 and "terminal" in done.stderr, f"without a terminal: {done}")


def figures(bench, below):
    status, text = below.request("GET", "/metrics")
    expect(status == 200, text)
    expect('lienthong_findings{code="' in text, "no findings among the figures")
    checked = {m["code"] for m in below.get("/v1/check")["messages"] if m["level"] != "note"}
    told = set(re.findall(r'lienthong_findings\{code="([a-z-]+)",level="(?!note)', text))
    expect(checked == told, f"check says {checked}, the figures {told}")
    promtool = shutil.which("promtool")
    if not promtool:
        bench.say("promtool is not installed: figures and rules were not put to it")
        return
    done = subprocess.run([promtool, "check", "metrics"], input=text.encode(), capture_output=True,
                          check=False)
    expect(done.returncode == 0 and not done.stderr, f"promtool: {done.stdout} {done.stderr}")
    folder = os.path.join(ROOT, "conf", "monitoring")
    done = subprocess.run([promtool, "test", "rules", "alerts_test.yml"], cwd=folder,
                          capture_output=True, check=False)
    expect(done.returncode == 0, f"rules: {done.stdout.decode()} {done.stderr.decode()}")
    with open(os.path.join(folder, "board.json"), encoding="utf-8") as stream:
        targets = [t["expr"] for p in json.load(stream)["panels"] for t in p["targets"]]
    rules = {"groups": [{"name": "board", "rules": [{"record": f"board:{i}", "expr": expr}
                                                    for i, expr in enumerate(targets)]}]}
    path = bench.write("board.yml", json.dumps(rules))
    done = subprocess.run([promtool, "check", "rules", path], capture_output=True, check=False)
    expect(done.returncode == 0, f"board: {done.stdout.decode()} {done.stderr.decode()}")
    bench.say(f"promtool: figures, rules and {len(targets)} expressions of the board are clean")


def test(bench):
    bench.deploy(["H47", "H47.12"])
    above, below = bench.office("H47"), bench.office("H47.12")
    codes = work(above, below)
    bench.wait_in_sync()
    wait("the offer is there",
         lambda: below.request("GET", f"/v1/dossiers/{codes['mine']}")[0] == 200)
    the_live_screen(bench, below, codes)
    without_a_terminal(bench, below)
    figures(bench, below)


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
