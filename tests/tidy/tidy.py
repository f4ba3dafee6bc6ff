#!/usr/bin/env python3
"""Holds the tree to the habits of the project; run by ctest, and by hand from anywhere.

Usage: tests/tidy/tidy.py [ROOT]

Exit code 0 when everything holds, 1 with a line per finding otherwise. What is not yet as
it should be stands in allowed.txt next to this file as "rule path number"; the number may only
shrink: fewer findings than allowed are an error too, so that the line is lowered or removed.
"""
import os
import re
import sys

import commands
import rooms
import words

LINE_COLUMNS_MAX = 100
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
FOLDERS = ("protocol", "store", "agent", "tools", "tests")

# Debian puts every header under /usr/include, so only this list keeps them in their folder.
BANNED_HEADERS = {
    "protocol": r"asio|rocksdb|httplib|spdlog|fmt/|nlohmann|toml|CLI|systemd|fstream|iostream|"
                r"filesystem|thread|mutex|condition_variable|future|unistd|fcntl|ctime|sys/|"
                r"netinet|arpa|poll\.h",
    "store": r"asio|httplib|spdlog|CLI|systemd|iostream|sys/socket|netinet|arpa",
    "agent": r"rocksdb",
    "tools": r"rocksdb|asio|capnp|kj/|sodium",
}

MARKS = r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b"

# rule -> (folders, pattern on one line without comments and strings, what to do instead)
LINE_RULES = {
    "detached": (FOLDERS, r"\basio::detached\b|\bdetached\)",
                 "it swallows exceptions; spawn with a handler"),
    "sleep-in-test": (("tests",), r"\bsleep_for\b|\busleep\b|\bsleep_until\b",
                      "wait for the thing itself"),
    "skipped-test": (("tests",), r"\bGTEST_SKIP\b|\bDISABLED_", "fix it or take it out"),
    "vacuous-test": (("tests",), r"(EXPECT|ASSERT)_TRUE\(true\)|\bSUCCEED\(\)", "assert something"),
    "prints": (("protocol", "store", "agent"), r"\bstd::(cout|cerr|clog)\b|\bprintf\(",
               "return the fact, or log it in agent/"),
    "clock": (("protocol", "store"), r"\b(system_clock|steady_clock|gettimeofday|clock_gettime)\b",
              "time is handed in"),
    "random": (("protocol", "store"), r"\brandombytes_buf\b|\brandom_device\b|\bmt19937",
               "randomness is handed in"),
    "using-namespace": (("protocol", "store", "agent", "tools"), r"^\s*using namespace (?!std::)",
                        "name what you use"),
    "subrange": (("protocol", "store", "agent", "tools", "tests"),
                 r"\bviews::|\branges::(unique|remove|remove_if|partition|stable_partition|rotate|"
                 r"search|search_n|find_end|equal_range)\b",
                 "clang 14, which builds the fuzzers, cannot compile what returns a subrange"),
}
# A closure or brace temporary made inside a co_await expression is destroyed twice by g++ 12.
AWAIT_CAPTURE = re.compile(r"\bco_await\b[^;{}]*\[(?:[&=]|this|\*this|\w+)[^\]\[]*\]\s*[({]")
AWAIT_BRACE = re.compile(r"\bco_await\b[^;{}]*[A-Za-z_>(,]\s*\{")

# Where a source points to a page: docs/PAGE.md, and maybe the heading after it, in quotes.
PAGE_IN_SOURCE = re.compile(r'\b(docs/[\w./-]+\.md)(?:,\s*(?:(?://|#)\s*)?"([^"\n]+)")?')


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def without_comments(text):
    """The same text, as long and with the same lines, but without comments and string contents."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)

    def blank(match):
        token = match.group(0)
        keep = token[0] if token[0] in "\"'" else " "
        return keep + re.sub(r"[^\n]", " ", token[1:-1]) + (keep if len(token) > 1 else "")

    return pattern.sub(blank, text)


def prose(text):
    """The same text, line by line, without fenced blocks and inline code."""
    fenced = re.compile(r"^```.*?^```[^\n]*$", re.S | re.M)
    text = fenced.sub(lambda match: re.sub(r"[^\n]", "", match.group(0)), text)
    return re.sub(r"`[^`\n]*`", lambda match: " " * len(match.group(0)), text)


def headings(text):
    """Titles of a page as they are written, without marks."""
    fenced = re.compile(r"^```.*?^```[^\n]*$", re.S | re.M)
    titles = re.findall(r"^#+ +(.*?) *#*$", fenced.sub("", text), re.M)
    return [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "") for title in titles]


def anchors(text):
    """What may stand after # in a link to this page, as GitHub and most viewers form it."""
    out = set()
    for title in headings(text):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        number, anchor = 0, slug
        while anchor in out:
            number += 1
            anchor = f"{slug}-{number}"
        out.add(anchor)
    return out


class Tidy:
    def __init__(self, root):
        self.root = root
        self.rooms = rooms.Rooms(read(os.path.join(root, rooms.TABLE)))
        self.found = []  # (rule, path, line, text)
        self.types = {}  # name with its namespaces -> path that defines it

    def add(self, rule, path, line, text):
        self.found.append((rule, path, line, text))

    def files(self):
        for top in FOLDERS + ("conf", "docs", ".ci"):
            for folder, folders, names in os.walk(os.path.join(self.root, top)):
                folders[:] = sorted(d for d in folders if d not in ("build", "__pycache__"))
                for name in sorted(names):
                    yield os.path.relpath(os.path.join(folder, name), self.root)
        for name in sorted(os.listdir(self.root)):
            if name.endswith(".md"):
                yield name

    def check_cpp(self, path, text):
        folder = path.split("/")[0]
        code = without_comments(text)
        lines, code_lines = text.split("\n"), code.split("\n")
        for number, line in enumerate(lines, 1):
            include = re.match(r'\s*#include\s+(["<])([^">]+)[">]', line)
            if include:
                self.check_include(path, folder, number, include.group(1), include.group(2))
        for rule, (folders, pattern, advice) in LINE_RULES.items():
            if folder not in folders:
                continue
            for number, line in enumerate(code_lines, 1):
                main = rule in ("prints", "using-namespace") and path.endswith("main.cc")
                if re.search(pattern, line) and not main:
                    self.add(rule, path, number, advice)
        for rule, pattern in (("await-capture", AWAIT_CAPTURE), ("await-brace", AWAIT_BRACE)):
            for match in pattern.finditer(code):
                self.add(rule, path, code.count("\n", 0, match.start()) + 1,
                         "name it first: g++ 12 destroys such a temporary twice")
        if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
            self.add("pragma-once", path, 1, "a header starts with #pragma once")
        self.check_functions(path, code_lines)
        self.check_types(path, text.split("\n"))

    def check_include(self, path, folder, number, mark, name):
        room = os.path.dirname(path)
        if mark == '"' and "/" in name and room in self.rooms.rooms:
            if not self.rooms.may_include(room, name):
                self.add("import", path, number,
                         f"{room} may not include {name} ({rooms.TABLE})")
        banned = BANNED_HEADERS.get(folder)
        if mark == "<" and banned and re.match(rf"(?:{banned})", name):
            self.add("header", path, number, f"<{name}> does not belong in {folder}/")
        codec = path in ("protocol/record/codec.cc", "protocol/record/codec_common.h",
                         "protocol/record/statement_codec.cc")
        if not codec and re.match(r"capnp/|kj/|lienthong\.capnp", name):
            self.add("header", path, number,
                     f"Cap'n Proto stays in the codecs of protocol/record: {name}")

    def check_rooms(self, paths):
        """Every folder with sources is a room, every room a folder, and the document says so."""
        for line, text in self.rooms.problems:
            self.add("room", rooms.TABLE, line, text)
        folders = {}
        for path in paths:
            if path.endswith((".cc", ".h")):
                folders.setdefault(os.path.dirname(path), path)
        for folder, path in sorted(folders.items()):
            if folder not in self.rooms.rooms:
                self.add("room", path, 1, f"{folder}/ has no line in {rooms.TABLE}")
        for name in self.rooms.rooms:
            if name not in folders:
                self.add("room", rooms.TABLE, self.rooms.lines[name], f"no sources in {name}/")
        document = os.path.join(self.root, rooms.DOCUMENT)
        if os.path.exists(document):
            if rooms.in_document(read(document)) != self.rooms.markdown():
                self.add("room", rooms.DOCUMENT, 1,
                         "the table of rooms is an old one; tests/tidy/rooms.py --write")

    def check_types(self, path, lines):
        """Two types of one name in one namespace: no compiler sees it, and the linker takes either
        for both (the one definition rule)."""
        spaces = []
        for number, line in enumerate(lines, 1):
            opened = re.match(r"namespace ?([\w:]*) ?\{", line)
            if opened:
                spaces.append(opened.group(1) or "(unnamed)")
            elif spaces and line.startswith("}  // namespace"):
                spaces.pop()
            kind = re.match(r"(?:struct|class|enum class|enum) (\w+)(?: final)?(?: :[^;]*)? \{",
                            line)
            if not kind or "(unnamed)" in spaces or path.startswith("tests/"):
                continue
            name = "::".join(spaces + [kind.group(1)])
            other = self.types.setdefault(name, path)
            if other != path:
                self.add("twice", path, number, f"{name} is defined in {other} too")

    def check_functions(self, path, lines):
        """By the layout that clang-format gives: what stands in column one opens and closes."""
        not_function = re.compile(r"(namespace|class|struct|enum|union|extern|#|\}|/)")
        head = 0
        for number, line in enumerate(lines, 1):
            if re.match(r"\}\s*$", line) and head and number - head + 1 > FUNCTION_LINES_MAX:
                length = number - head + 1
                self.add("long-function", path, head,
                         f"{length} lines; at most {FUNCTION_LINES_MAX}")
            if re.match(r"\S", line) and not line.startswith(")"):
                head = 0 if not_function.match(line) else number

    def check_text(self, path, text):
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(MARKS, line):
                self.add("mark", path, number, "finish it or write an issue")
            if path.startswith(("docs/", "conf/")) or path.endswith((".md", ".tsv", ".json")):
                continue
            if len(line) > LINE_COLUMNS_MAX:
                self.add("long-line", path, number,
                         f"{len(line)} columns; at most {LINE_COLUMNS_MAX}")
            if line != line.rstrip() or "\t" in line:
                self.add("blank", path, number, "a tab, or blanks at the end of a line")

    def check_links(self, path, text):
        """Links to files of the tree lead somewhere, and so does what stands after #."""
        for number, line in enumerate(prose(text).split("\n"), 1):
            for target in re.findall(r"\]\(([^()\s]+)\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                page = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
                whole = os.path.join(self.root, page)
                if not os.path.exists(whole):
                    self.add("link", path, number, f"{target}: there is no {page}")
                elif anchor and anchor not in anchors(read(whole)):
                    self.add("link", path, number, f"{target}: {page} has no heading for it")

    def check_pages(self, path, text):
        """A comment that names a page, and its heading, names one that is there."""
        for match in PAGE_IN_SOURCE.finditer(text):
            page, title = match.groups()
            number = text.count("\n", 0, match.start()) + 1
            whole = os.path.join(self.root, page)
            if not os.path.exists(whole):
                self.add("page", path, number, f"there is no {page}")
            elif title and title not in headings(read(whole)):
                self.add("page", path, number, f'{page} has no heading "{title}"')

    def check_commands(self, paths):
        """What people are told to look into or to type is there."""
        pages = [page for page in commands.PAGES if page in paths]
        tree = commands.Tree(self.root) if pages else None
        for page in pages:
            for line, text in commands.problems(tree, read(os.path.join(self.root, page))):
                self.add("command", page, line, text)

    def check_listed(self, path):
        """A source that no CMakeLists.txt between it and the root names is built by nobody."""
        folder = os.path.dirname(path)
        while folder:
            lists = os.path.join(self.root, folder, "CMakeLists.txt")
            name = re.escape(os.path.relpath(path, folder))
            stem = re.escape(os.path.splitext(os.path.basename(path))[0])
            if os.path.exists(lists):
                if re.search(rf"(?<![\w/.-])(?:{name}|{stem})(?![\w/-])", read(lists)):
                    return
            folder = os.path.dirname(folder)
        self.add("orphan", path, 1, "no CMakeLists.txt names it")

    def run(self):
        paths = list(self.files())
        self.check_rooms(paths)
        self.check_commands(paths)
        for path, text in words.problems(self.root):
            self.add("words", path, 1, text)
        for path in paths:
            try:
                text = read(os.path.join(self.root, path))
            except UnicodeDecodeError:
                continue  # data: vectors, crashers
            if path.endswith((".cc", ".h")):
                self.check_cpp(path, text)
                lines = text.count("\n")
                if lines > FILE_LINES_MAX:
                    self.add("long-file", path, lines, f"{lines} lines; at most {FILE_LINES_MAX}")
            if path.endswith(".cc"):
                self.check_listed(path)
            if re.search(r"\.(cc|h|py|capnp|sh|toml)$|CMakeLists\.txt$|/[a-z-]+$|\.md$", path):
                self.check_text(path, text)
            if path.endswith(".md"):
                self.check_links(path, text)
            elif re.search(r"\.(cc|h|c|capnp)$|CMakeLists\.txt$", path):
                self.check_pages(path, text)
        return self.found


def read_allowed(path):
    allowed = {}
    if not os.path.exists(path):
        return allowed
    for line in read(path).splitlines():
        line = line.split("#")[0].strip()
        if line:
            rule, name, number = line.split()
            allowed[(rule, name)] = int(number)
    return allowed


def report(found, allowed):
    """Prints what is wrong; returns how much."""
    counted = {}
    for rule, path, line, text in found:
        counted.setdefault((rule, path), []).append((line, text))
    wrong = 0
    for (rule, path), places in sorted(counted.items()):
        limit = allowed.get((rule, path), 0)
        if len(places) > limit:
            for line, text in places:
                print(f"{path}:{line}: {rule}: {text}")
            wrong += len(places) - limit
    for (rule, path), limit in sorted(allowed.items()):
        have = len(counted.get((rule, path), []))
        if have < limit:
            print(f"allowed.txt: {rule} {path}: {limit} allowed, {have} left; lower it")
            wrong += 1
    return wrong


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    wrong = report(Tidy(root).run(), read_allowed(os.path.join(root, "tests/tidy/allowed.txt")))
    print(f"tidy: {wrong} findings" if wrong else "tidy: all holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
