"""What a page tells people to look into or to type is there: paths and tests in backquotes, and in
fenced commands also targets, presets and the tests' variables.
"""
import fnmatch
import json
import os
import re

PAGES = ("CONTRIBUTING.md", "README.md", "SECURITY.md", "docs/tests.md")
BUILD = "build/"  # made by a build, not of the tree
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)
INLINE = re.compile(r"`([^`\n]+)`")
# A file by its ending, or a path with a folder in front.
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:cc|h|py|md|txt|yaml|po|tsv|toml|capnp|c|json)")
TEST = re.compile(r"\b(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\(\s*(\w+),\s*(\w+)[,)]")
NAMED_TEST = re.compile(r"[A-Z]\w+\.[A-Z]\w+")


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


class Tree:
    """What there is to be named."""

    def __init__(self, root):
        self.root = root
        self.targets, self.ctests, self.programs = set(), set(), {}
        self.tests, self.variables = set(), set()
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
            for name in names:
                path = os.path.join(folder, name)
                if name == "CMakeLists.txt":
                    self.add_targets(os.path.relpath(folder, root), read(path))
                elif name.endswith(".cc") and os.path.relpath(path, root).startswith("tests/"):
                    text = read(path)
                    self.tests.update(".".join(names) for names in TEST.findall(text))
                    self.variables.update(re.findall(r"\"(LT_\w+)\"", text))
        presets = os.path.join(root, "CMakePresets.json")
        self.presets = set()
        if os.path.exists(presets):
            self.presets = {p["name"] for p in json.loads(read(presets))["configurePresets"]
                            if not p.get("hidden")}

    def add_targets(self, folder, text):
        made = re.findall(r"\b(?:lt_test|add_executable|add_library)\(([\w]+)", text)
        for names in re.findall(r"foreach\(target\s+([^)]*)\)", text):
            made += [f"{name}_fuzz" for name in names.split()]
        self.targets.update(made)
        self.programs.update((name, folder) for name in made)
        self.ctests.update(re.findall(r"add_test\(NAME (\w+)", text))
        self.ctests.update(f"integration_{name}"
                           for name in re.findall(r"lt_process_test\((\w+)", text))

    def has_path(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def has_test(self, pattern):
        return any(fnmatch.fnmatchcase(name, pattern) for name in self.tests)

    def is_path(self, word):
        """Whether a word of a page means a file or folder of the tree."""
        if not re.fullmatch(r"[\w./-]+", word) or word.startswith(("/", BUILD)):
            return False
        if FILE.fullmatch(word) and ("/" in word or word.endswith(".md")):
            return True
        head = word.split("/")[0]
        return "/" in word and os.path.isdir(os.path.join(self.root, head)) and head != ""


def problems_of_command(tree, line):
    words = line.split("#")[0].split()
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        variable = re.match(r"(LT_\w+)=", word)
        if variable and variable.group(1) not in tree.variables:
            yield f"no test reads {variable.group(1)}"
        if before == "--preset" and word not in tree.presets:
            yield f"no preset {word}"
        if before == "--target" and word not in tree.targets:
            yield f"no target {word}"
        if before == "-R" and word.strip("'^$") not in tree.ctests:
            yield f"ctest knows no {word}"
        if word.startswith("--gtest_filter=") and not tree.has_test(word.split("=", 1)[1]):
            yield f"no test {word.split('=', 1)[1]}"
        program = re.fullmatch(rf"{BUILD}\w+/((?:tests|tools|agent)\S*)/(\w+)", word)
        if program and tree.programs.get(program.group(2)) != program.group(1):
            yield f"no program {program.group(2)} is made in {program.group(1)}"
        if tree.is_path(word) and not tree.has_path(word):
            yield f"there is no {word}"
    if words[:1] == ["tests/fuzz/run"]:
        for word in words[1:]:
            if re.fullmatch(r"[a-z_]+", word) and f"{word}_fuzz" not in tree.targets:
                yield f"no fuzzer {word}"


def problems(tree, text):
    """(line, what is wrong) of one page."""
    for block in FENCED.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        for offset, line in enumerate(block.group(1).split("\n")):
            for wrong in problems_of_command(tree, line):
                yield first + offset, wrong
    rest = FENCED.sub(lambda match: re.sub(r"[^\n]", "", match.group(0)), text)
    for number, line in enumerate(rest.split("\n"), 1):
        for word in INLINE.findall(line):
            if NAMED_TEST.fullmatch(word) and not word.endswith(".md"):
                if not tree.has_test(word):
                    yield number, f"no test {word}"
            elif tree.is_path(word) and not tree.has_path(word):
                yield number, f"there is no {word}"
