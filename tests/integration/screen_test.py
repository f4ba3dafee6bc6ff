#!/usr/bin/env python3
"""What people read: screens of 80 and 120 columns in both languages, no English left under --lang
vi in the help of any verb and in errors, colour on terminals alone, --watch, errors of --json.
"""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata

import offices
from offices import expect

# Words of English that no Vietnamese text has; not such as "in", "to", "do", which are both.
ENGLISH = re.compile(r"\b(the|and|with|from|this|which|its|only|such|not|for|of|is|are|that|"
                     r"every|what|default|file|TEXT|INT|SUBCOMMAND|OPTIONS)\b")
NAME = "Nguyễn Thị Tuyết Hạnh Phương Uyên"
SUMMARY = "Đề nghị đăng ký lại khai sinh cho con đã mất bản chính do lũ quét, kèm giấy tờ liên quan"


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else
               0 if unicodedata.combining(c) else 1 for c in line)


class Screens:
    def __init__(self, bench, office):
        self.bench, self.office = bench, office

    def run(self, language, words, columns=None):
        env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        if columns:
            env["COLUMNS"] = str(columns)
        done = subprocess.run(
            [self.bench.cli, "--lang", language, "--socket", self.office.socket, *words],
            env=env, capture_output=True, text=True, check=False, timeout=offices.PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def on_terminal(self, words, columns=100, **variables):
        """Standard output as a terminal of that width gets it."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm", "PAGER": "cat", **variables}
        env.pop("COLUMNS", None)
        child = subprocess.Popen(
            [self.bench.cli, "--lang", "en", "--socket", self.office.socket, *words],
            env=env, stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        os.close(theirs)
        out = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        os.close(ours)
        child.wait(offices.PATIENCE)
        return out.decode()


def fits(screens, code):
    for columns in (80, 120):
        for language in ("en", "vi"):
            for words in (["status"], ["peers"], ["dossier", "list"], ["dossier", "show", code],
                          ["handoff", "list"], ["handoff", "track", code], ["why", code],
                          ["agency", "list"], ["node", "list"], ["dossier", "recount"]):
                status, out, err = screens.run(language, words, columns)
                expect(status == 0, f"{words}: {err}")
                for line in out.splitlines():
                    if line.startswith("  • "):  # a sentence, which the terminal breaks
                        continue
                    expect(width(line) <= columns, f"{language} {words}: {width(line)} columns "
                           f"instead of {columns}:\n{out}")
                expect("\x1b" not in out, f"{words}: colour in a pipe")
                if words[0] == "dossier" and words[1] in ("list", "show"):
                    expect("Nguyễn Thị" in out, f"{words}: no applicant:\n{out}")
                if words[1:2] == ["track"] or words[1:2] == ["show"]:
                    expect("Thiếu bản sao" in out, f"{words}: not why it was declined:\n{out}")
    _, out, _ = screens.run("en", ["dossier", "list"])
    wide = max(width(line) for line in out.splitlines())
    expect(wide > 120, f"cut to {wide} columns though it goes to a file")


def translated(screens):
    """The help of every verb, of every verb below it, and errors of each kind."""
    def verbs(words):
        _, out, _ = screens.run("vi", [*words, "--help"])
        text = out.split("Ví dụ:")[0]
        listed = re.search(r"^Các lệnh:\n((?:  .*\n)+)", out, re.M)
        for line in text.splitlines():
            said = re.sub(r"--?[\w-]+|\{[^}]*\}|'[^']*'|\"[^\"]*\"|lienthong .*|^  [\w-]+ ", "",
                          line)
            expect(not ENGLISH.search(said), f"{words}: {line}")
        return re.findall(r"^  ([a-z][\w-]*)  ", listed[1], re.M) if listed else []

    count = 0
    first = verbs([])
    expect(len(first) > 30, str(first))
    for verb in first:
        count += 1
        for below in verbs([verb]):
            verbs([verb, below])
            count += 1
    for words in (["dossier", "show", "NONE"], ["nosuchverb"], ["dossier", "list", "--status", "x"],
                  ["dossier", "list", "--due-within", "4w"], ["agency", "show", "H99"],
                  ["handoff", "accept", "NONE"], ["import", "/nosuchfile"], ["dossier"],
                  ["dossier", "list", "--nosuch"], ["dossier", "list", "--limit", "abc"],
                  ["dossier", "list", "--limit"], ["dossier", "show"], ["--lang", "xx"],
                  ["handoff", "list", "--direction", "up"]):
        status, _, err = screens.run("vi", words)
        said = re.sub(r"'[^']*'|\"[^\"]*\"|lienthong:? ?.*--help.*|/\S+", "", err)
        expect(status != 0 and err and not ENGLISH.search(said), f"{words}: {err}")
    screens.bench.say(f"{count} verbs in Vietnamese")


def for_programs(screens):
    for words, code, status in ((["nosuchverb"], "usage", 2),
                                (["dossier", "list", "--nosuch"], "usage", 2),
                                (["dossier", "show", "NONE"], "not-found", 4),
                                (["dossier", "list", "--status", "x"], "invalid-argument", 1)):
        got, out, err = screens.run("en", ["--json", *words])
        expect(err.startswith("{"), f"{words}: {got} {err!r}")
        error = json.loads(err.splitlines()[-1])["error"]
        expect(got == status and error["code"] == code and error["exit"] == status and not out,
               f"{words}: {got} {err}")


def on_terminals(screens):
    out = screens.on_terminal(["dossier", "list"])
    expect("\x1b[1m" in out, repr(out[:200]))
    expect(all(width(re.sub(r"\x1b\[\d*m", "", line)) <= 100 for line in out.splitlines()), out)
    expect("\x1b" not in screens.on_terminal(["dossier", "list"], NO_COLOR="1"), "NO_COLOR")
    watching = subprocess.Popen(
        [screens.bench.cli, "--lang", "en", "--socket", screens.office.socket, "status", "--watch",
         "1s"], stdout=subprocess.PIPE, text=True)
    try:
        looks = 0
        for line in iter(watching.stdout.readline, ""):
            looks += line.startswith("every 1 s")
            if looks == 2:
                break
        expect(looks == 2, f"{looks} looks")
    finally:
        watching.kill()
        watching.wait()


def main():
    options = offices.parser(__doc__).parse_args()

    def test(bench):
        office, child = bench.deploy(["H47", "H47.12"])
        code = office.must(
            {"op": "create", "dossier": {"applicant": {"name": NAME}, "summary": SUMMARY,
                                         "procedure": "1.001193", "status": "accepted",
                                         "procedure_name": SUMMARY, "due_at": "2026-01-05"}},
            {"op": "create", "dossier": {"applicant": {"name": NAME}, "summary": SUMMARY}}
        )[0]["code"]
        office.cli("handoff", "offer", code, "--to", "H47.12", "--wait")
        child.cli("handoff", "decline", code, "--note", "Thiếu bản sao", "--wait")
        other = office.lines("/v1/dossiers")[1]["code"]
        office.must({"op": "offer", "code": other, "to": "H47.12"})
        bench.wait_in_sync()
        screens = Screens(bench, office)
        fits(screens, code)
        bench.say("screens of 80 and 120 columns")
        translated(screens)
        for_programs(screens)
        on_terminals(screens)

    return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
