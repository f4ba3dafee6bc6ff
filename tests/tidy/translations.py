#!/usr/bin/env python3
"""Every text that the command line shows, and every reason that the agent gives (reasons.py; in
the catalogue under the context "reason"), is in every catalogue, with the same places for values,
and no catalogue has a text that is not shown any more.

Usage: tests/tidy/translations.py [--list]
"""
import os
import re
import sys

import reasons

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, "tools", "lienthong")
CATALOGUES = os.path.join(ROOT, "conf", "po")
STRING = r'"(?:\\.|[^"\\\n])*"'
# Where a text is marked: what is called with it, or the table that it stands in.
MARKED = [
    rf"\btr\(\s*((?:{STRING}\s*)+)",
    rf"(?<!fmt::)\bformat\(\s*((?:{STRING}\s*)+)",
    rf"\badd_row\(\w+,\s*((?:{STRING}\s*)+)",
    rf'\badd_verb\([^"]*{STRING},\s*((?:{STRING}\s*)+),\s*(?:{STRING}\s*)+',
    rf"\badd_(?:simple|watched)\(app, shell, {STRING},\s*((?:{STRING}\s*)+),\s*(?:{STRING}\s*)+",
    rf'\brun_operation\([^"]*((?:{STRING}\s*)+)\)',
    rf"\bEntry\{{{STRING}, ((?:{STRING}\s*)+)\}}",
    rf'kind == {STRING}\s*\? ((?:{STRING}\s*)+)',
    rf"^\s*: ((?:{STRING}\s*)+);",
]
TABLE = re.compile(rf"kNames\[\] = \{{(.*?)\}};", re.S)
TABLE_ROW = re.compile(rf"\{{{STRING},\s*({STRING})\}}")
AILMENTS = re.compile(rf"kAilments\[\] = \{{(.*?)\n\}};", re.S)
AILMENT_ROW = re.compile(rf"\{{{STRING},\s*((?:{STRING}\s*)+),\s*((?:{STRING}\s*)+),\s*{STRING}\}}")
ACTS = re.compile(rf"kActs\[\] = \{{(.*?)\n\}};", re.S)
ACT_ROW = re.compile(rf"\{{{STRING},\s*({STRING}),\s*{STRING},\s*({STRING})\}}", re.S)


def unquote(text):
    parts = re.findall(STRING, text)
    joined = "".join(part[1:-1] for part in parts)
    return joined.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def shown():
    texts = {}
    for name in sorted(os.listdir(SOURCES)):
        if not name.endswith((".cc", ".h")):
            continue
        with open(os.path.join(SOURCES, name), encoding="utf-8") as stream:
            source = re.sub(r"^\s*//.*$", "", stream.read(), flags=re.M)
        for pattern in MARKED:
            for match in re.finditer(pattern, source, re.M):
                texts.setdefault(unquote(match.group(1)), name)
        for table in TABLE.finditer(source):
            for row in TABLE_ROW.finditer(table.group(1)):
                texts.setdefault(unquote(row.group(1)), name)
        for table in AILMENTS.finditer(source):
            for row in AILMENT_ROW.finditer(table.group(1)):
                texts.setdefault(unquote(row.group(1)), name)
                texts.setdefault(unquote(row.group(2)), name)
        for table in ACTS.finditer(source):
            for row in ACT_ROW.finditer(table.group(1)):
                texts.setdefault(unquote(row.group(1)), name)
                texts.setdefault(unquote(row.group(2)), name)
    texts.pop("", None)
    # Not words: these stand where a marked text would.
    return {t: n for t, n in texts.items() if re.search(r"[A-Za-z]", re.sub(r"\{[^}]*\}", "", t))}


def catalogue(path):
    """(texts, reasons), each from the English to its translation."""
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    out = ({}, {})
    entry = (rf"^(?:msgctxt\s+(\"reason\")\s*)?^msgid\s+((?:{STRING}\s*)+)"
             rf"^msgstr\s+((?:{STRING}\s*)+)")
    for context, key, value in re.findall(entry, text, re.M):
        if unquote(key):
            out[1 if context else 0][unquote(key)] = unquote(value)
    return out


def places(text):
    return re.findall(r"\{(?:[^}\s\"]*)\}", text)


def problems(texts, translated, name):
    for text, source in sorted(texts.items()):
        if not translated.get(text):
            yield f"{name}: not translated: {text!r} ({source})"
    for text, value in sorted(translated.items()):
        if text not in texts:
            yield f"{name}: not shown any more: {text!r}"
        # In the same order, or all of them with their numbers.
        in_order = places(text) == places(value)
        numbered = sorted(places(value)) == [f"{{{i}}}" for i in range(len(places(text)))]
        if not in_order and not numbered:
            yield f"{name}: other places for values: {text!r}"


def main():
    texts = shown()
    if "--list" in sys.argv:
        for text in sorted(texts):
            print(repr(text))
        return 0
    found = []
    told = reasons.reasons(ROOT)
    for name in sorted(os.listdir(CATALOGUES)):
        if name.endswith(".po"):
            known_texts, known_reasons = catalogue(os.path.join(CATALOGUES, name))
            found += problems(texts, known_texts, name)
            found += problems(told, known_reasons, name)
    for line in found:
        print(line)
    print(f"translations: {len(found)} problems, {len(texts)} texts, "
          f"{len(told)} reasons")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
