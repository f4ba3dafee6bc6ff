#!/usr/bin/env python3
"""What is made from the verbs, and what the docs say of them, holds against the program itself.

Usage: pages_test.py LIENTHONG LIENTHONGD PAGES
"""
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)
problems = []


def expect(holds, what):
    if not holds:
        problems.append(what)


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=False, **more)


def below(path, verb):
    for each in verb["verbs"]:
        yield path + [each["name"]], each
        yield from below(path + [each["name"]], each)


def plain(page):
    """A manual page without groff's marks."""
    return page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")


def manual_pages(tree, pages):
    """Each verb has its page, in both languages, with every option; groff has nothing to say."""
    for folder in ("man/man1", "man/vi/man1"):
        for verb in tree["verbs"]:
            page = plain(read(f"{pages}/{folder}/lienthong-{verb['name']}.1"))
            for path, each in [([verb["name"]], verb), *below([verb["name"]], verb)]:
                expect(" ".join(path) in page.replace("lienthong-", ""), f"{folder}: {path}")
                for option in each["options"]:
                    for name in option["names"]:
                        expect(name in ("-h", "--help") or name in page, f"{folder}: {path} {name}")
    reference = read(f"{pages}/reference.md")
    for path, _ in below([], tree):
        expect(re.search(rf"^#+ {re.escape(' '.join(path))}$", reference, re.M),
               f"reference.md: {path}")
    if not shutil.which("groff"):
        print("not tried: groff is not there")
        return
    files = [os.path.join(folder, name) for folder, _, names in os.walk(f"{pages}/man")
             for name in names]
    # groff stops the formatting of one page at its end: each is a page of its own.
    said = run("groff", "-K", "utf8", "-man", "-ww", "-Tutf8", "-z", *sorted(files))
    expect(said.returncode == 0 and not said.stderr, f"groff: {said.stderr[:2000]}")
    if shutil.which("man"):
        for name in ("man1/lienthong.1", "vi/man1/lienthong-dossier.1", "man8/lienthongd.8",
                     "man5/lienthong-agent.toml.5"):
            said = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                       f"{pages}/man/{name}", env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80"))
            expect(said.returncode == 0 and not said.stderr, f"man {name}: {said.stderr}")


def configuration(pages):
    """Every key that the agent reads is in the sample, and so in the manual page."""
    page = plain(read(f"{pages}/man/man5/lienthong-agent.toml.5"))
    source = read(f"{ROOT}/agent/config/config.cc")
    tables = re.findall(r'known_keys\(\w+, "([^"]*)",\s*\{(.*?)\}', source, re.S)
    expect(len(tables) >= 7, "the tables of agent/config/config.cc were not found")
    operations = read(f"{ROOT}/docs/operations.md")
    heads = {"api", "neighbour"}
    for place, keys in tables:
        section = place.removeprefix(" in ").strip()
        inside = page.split(f".SH {section}\n" if section else ".SH OPTIONS\n")
        expect(len(inside) > 1, f"conf/agent.toml has no {section}")
        for key in re.findall(r'"(\w+)"', keys):
            if not section and (key in heads or f".SH [{key}]" in page):
                continue
            text = inside[-1].split("\n.SH")[0]
            expect(re.search(rf"^{key} = ", text, re.M), f"conf/agent.toml: {section} {key}")
            named = f"`{section + ' ' if section else ''}{key}`"
            expect(named in operations, f"docs/operations.md, Configuration: {named}")


def daemon(program, pages):
    page = plain(read(f"{pages}/man/man8/lienthongd.8"))
    for name in re.findall(r"--[a-z-]+", run(program, "--help").stdout):
        expect(name in page, f"lienthongd(8): {name}")


# ---- completions ----

def bash(pages, line, cursor_word):
    """What is offered for the last word of a line."""
    words = line.split(" ")
    script = (f"source {pages}/completions/lienthong.bash; COMP_WORDS=({' '.join(words)}); "
              f"[[ -n '{cursor_word}' ]] || COMP_WORDS+=(''); "
              f"COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _lienthong; echo \"${{COMPREPLY[*]}}\"")
    said = run("bash", "-c", script)
    expect(not said.stderr, f"bash: {said.stderr}")
    return said.stdout.split()


def completions(pages):
    expect(bash(pages, "lienthong dos", "dos") == ["dossier"], "bash: dos")
    expect("new" in bash(pages, "lienthong dossier", ""), "bash: dossier")
    expect(bash(pages, "lienthong dossier li", "li") == ["list"], "bash: dossier li")
    expect("--limit" in bash(pages, "lienthong dossier list --li", "--li"), "bash: --limit")
    expect(set(bash(pages, "lienthong --lang", "")) == {"en", "vi"}, "bash: --lang")
    if shutil.which("zsh"):
        said = run("zsh", "-n", f"{pages}/completions/_lienthong")
        expect(said.returncode == 0, f"zsh: {said.stderr}")
    else:
        print("not tried: zsh is not there")
    if shutil.which("fish"):
        def fish(line):
            said = run("fish", "--no-config", "-c", f"source {pages}/completions/lienthong.fish; "
                       f"complete -C '{line}'", env=dict(os.environ, HOME="/nonexistent"))
            return [each.split("\t")[0] for each in said.stdout.split("\n")]
        expect(fish("lienthong dos") == ["dossier", ""], "fish: dos")
        expect("list" in fish("lienthong dossier "), "fish: dossier")
        expect("--limit" in fish("lienthong dossier list --lim"), "fish: --limit")
    else:
        print("not tried: fish is not there")


# ---- what the docs tell people to type ----

def commands_of(text):
    """(line, words) of each `lienthong ...` in fenced blocks, continued lines joined."""
    for block in FENCED.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        joined, at = "", first
        for offset, line in enumerate(block.group(1).split("\n")):
            if not joined:
                at = first + offset
            joined += re.sub(r"\s#.*$", "", line)
            if joined.endswith("\\"):
                joined = joined[:-1] + " "
                continue
            for part in re.split(r" \| |;|&&| > ", joined):
                words = part.removeprefix("$ ").replace("sudo ", "").split()
                if words[:1] == ["lienthong"]:
                    yield at, words[1:]
            joined = ""


def docs(tree):
    known_above = {name for option in tree["options"] for name in option["names"]}
    for folder, _, names in os.walk(f"{ROOT}/docs"):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".md"):
                check_page(tree, known_above, path)
    check_page(tree, known_above, f"{ROOT}/README.md")


def check_page(tree, known_above, path):
    where = os.path.relpath(path, ROOT)
    for line, words in commands_of(read(path)):
        verb, known = tree, set(known_above)
        for word in words:
            option = re.match(r"\[?(--[a-z-]+)", word)
            if option:
                expect(option.group(1) in known or option.group(1) in ("--help", "--version"),
                       f"{where}:{line}: {verb['name']} has no {option.group(1)}")
                continue
            inner = [each for each in verb["verbs"] if each["name"] == word.split("|")[0]]
            if inner:
                verb = inner[0]
                known |= {name for option in verb["options"] for name in option["names"]}
            elif verb is tree and re.fullmatch(r"[a-z-]+", word) and word not in ("vi", "en"):
                expect(False, f"{where}:{line}: there is no verb {word}")
                break


def main(lienthong, lienthongd, pages):
    tree = json.loads(run(lienthong, "--describe", "--lang", "en").stdout)
    manual_pages(tree, pages)
    configuration(pages)
    daemon(lienthongd, pages)
    completions(pages)
    docs(tree)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"pages: {len(problems)} problems, {sum(1 for _ in below([], tree))} verbs")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
