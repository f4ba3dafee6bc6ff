#!/usr/bin/env python3
"""What the program tells whoever watches it is what the documents say: events of the log and
figures (docs/monitoring.md), codes of failures (docs/failures.md); and the board and the alert
rules ask for figures that there are.

Usage: tests/tidy/told.py
"""
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as stream:
        return stream.read()


def sources(folder):
    for place, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith((".cc", ".h")):
                yield read(place, name)


def events():
    found = set()
    for text in sources("agent"):
        code = re.sub(r"^\s*//.*$", "", text, flags=re.M)
        found |= set(re.findall(r"\bevent=([a-z_]+)", code))
        found |= set(re.findall(r'\blog_failure\(\s*"([a-z_]+)"', code))
    return found


def figures():
    text = re.sub(r'"\s*\n\s*"', "", read("agent", "api", "metrics.cc"))
    return dict(re.findall(r'(?:family|single)\(\s*"(lienthong_\w+)",\s*"\w+",\s*"([^"]*)"', text))


def checked_codes():
    """The codes that check and the doctor can find, from the table of reasons."""
    kinds = read("agent", "texts", "reasons.h")
    begin, end = kinds.index("  // check\n"), kinds.index("  // warnings of an operation\n")
    names = re.findall(r"^  (k\w+),", kinds[begin:end], re.M)
    rows = dict(re.findall(r'\{Reason::(k\w+), "([a-z-]+)"', read("agent", "texts", "reasons.cc")))
    return {rows[name] for name in names}


def ailments():
    return re.findall(r'^    \{"([a-z-]+)",', read("tools", "lienthong", "ailments.cc"), re.M)


def documented(page, mark):
    text = read("docs", page)
    begin = text.index(f"<!-- {mark}:")
    part = text[begin:text.index(f"<!-- end of {mark} -->", begin)]
    return re.findall(r"^\| `([\w-]+)` \|", part, re.M)


def differences(what, told, written):
    for name in sorted(set(told) - set(written)):
        yield f"{what}: not documented: {name}"
    for name in sorted(set(written) - set(told)):
        yield f"{what}: documented and not there: {name}"
    for name in sorted({name for name in written if written.count(name) > 1}):
        yield f"{what}: documented twice: {name}"


def asked_figures():
    board = json.loads(read("conf", "monitoring", "board.json"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            for name in re.findall(r"\blienthong_\w+", target["expr"]):
                yield f"board, {panel['title']}", name
    for name in ("alerts.yml", "alerts_test.yml"):
        for figure in re.findall(r"\blienthong_\w+", read("conf", "monitoring", name)):
            yield name, figure


def main():
    known, rows = figures(), ailments()
    found = list(differences("event", events(), documented("monitoring.md", "events")))
    found += differences("figure", known, documented("monitoring.md", "figures"))
    found += differences("failure", rows, documented("failures.md", "failures"))
    found += [f"failure without cause and remedy: {code}"
              for code in sorted(checked_codes() - set(rows))]
    found += [f"failure that nothing finds: {code}"
              for code in sorted(set(rows) - checked_codes())]
    found += [f"{where}: no such figure: {name}"
              for where, name in asked_figures() if name not in known]
    for line in found:
        print(line)
    print(f"told: {len(found)} problems, {len(events())} events, {len(known)} figures, "
          f"{len(rows)} failures")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
