#!/usr/bin/env python3
"""Reads rooms.txt, the table of rooms, and says what each may include.

Usage: tests/tidy/rooms.py           prints the table as it stands in docs/design.md
       tests/tidy/rooms.py --write   puts it there
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TABLE = "tests/tidy/rooms.txt"
DOCUMENT = "docs/design.md"
BEGIN, END = "<!-- rooms: made by tests/tidy/rooms.py --write -->\n", "<!-- end of rooms -->\n"


class Room:
    def __init__(self, sentence):
        self.sentence = sentence
        self.below = None  # names as written; None: may include anything


class Rooms:
    """The table. `problems` lists what is wrong with the table itself, as (line, text)."""

    def __init__(self, text):
        self.rooms = {}
        self.problems = []
        self.lines = {}
        last = None
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            arrow = re.match(r"\s+->(.*)$", line)
            head = re.match(r"([\w/]+): (\S.*)$", line)
            if arrow and last and last.below is None:
                last.below = arrow.group(1).split()
            elif head and head.group(1) not in self.rooms:
                last = self.rooms[head.group(1)] = Room(head.group(2))
                self.lines[head.group(1)] = number
            else:
                self.problems.append((number, f"not a room, nor an arrow of one: {line.strip()}"))
        self.reach = {}  # room -> every room and header that it may include
        for name, room in self.rooms.items():
            for below in room.below or ():
                if "." not in below and below not in self.rooms:
                    self.problems.append((self.lines[name], f"{name} -> {below}: no such room"))
        for name in self.rooms:
            self.closure(name, ())

    def closure(self, name, path):
        if name in path:
            ring = " -> ".join(path[path.index(name):] + (name,))
            self.problems.append((self.lines[name], f"a ring: {ring}"))
            return {name}
        if name not in self.reach:
            found = {name}
            for below in self.rooms[name].below or ():
                found |= self.closure(below, path + (name,)) if below in self.rooms else {below}
            self.reach[name] = found
        return self.reach[name]

    def may_include(self, room, header):
        if self.rooms[room].below is None:
            return True
        return header in self.reach[room] or os.path.dirname(header) in self.reach[room]

    def markdown(self):
        rows = ["| room | holds | may include |", "| --- | --- | --- |"]
        for name, room in self.rooms.items():
            below = "anything" if room.below is None else ", ".join(f"`{n}`" for n in room.below)
            rows.append(f"| `{name}` | {room.sentence} | {below} |")
        return BEGIN + "\n" + "\n".join(rows) + "\n\n" + END


def in_document(text):
    """The part of the document that the table makes; None: it has no such place."""
    start, end = text.find(BEGIN), text.find(END)
    return text[start:end + len(END)] if 0 <= start < end else None


def main():
    with open(os.path.join(ROOT, TABLE), encoding="utf-8") as stream:
        table = Rooms(stream.read()).markdown()
    if "--write" not in sys.argv:
        print(table, end="")
        return 0
    path = os.path.join(ROOT, DOCUMENT)
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    old = in_document(text)
    if old is None:
        print(f"{DOCUMENT} has no place for the table: {BEGIN.strip()}", file=sys.stderr)
        return 1
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text.replace(old, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
