"""Lists of words that stand in several places and must be one list: the home says which there are.

A place is a file, a pattern whose first group is the stretch with the words, and a pattern of one
word in it. Used by tidy.py.
"""
import os
import re

# what -> (home, the other places); a place is (file, stretch, word)
LISTS = {
    "states of a dossier": (
        ("protocol/record/status.cc", r"kStatuses = \{(.*?)\n\};", r'StatusInfo\{k\w+, "([\w-]+)"'),
        [("conf/openapi.yaml", r"\n    State:\n.*?enum: \[(.*?)\]", r"[\w-]+"),
         ("tools/lienthong/output.cc", r"std::string status_name\(.*?\{(.*?)\n\}",
          r'\{"([\w-]+)",')]),
    "kinds of updates": (
        ("protocol/record/update.cc", r"to_string\(UpdateKind \w+\) \{(.*?)\n\}",
         r'case \S+ return "([\w-]+)"'),
        [("conf/openapi.yaml", r"enum: \[(created, .*?), withdrawn, refolded\]", r"[\w-]+")]),
}


def words_at(root, place):
    """The words of a place in order, and None where the file or the stretch is not there."""
    path, stretch, word = place
    try:
        with open(os.path.join(root, path), encoding="utf-8") as stream:
            found = re.search(stretch, stream.read(), re.S)
    except FileNotFoundError:
        return None
    return re.findall(word, found.group(1)) if found else None


def problems(root, lists=None):
    """(path, text) for each place that differs from its home. A tree without the home has none."""
    out = []
    for what, (home, others) in (lists or LISTS).items():
        at_home = words_at(root, home)
        if at_home is None:
            if os.path.exists(os.path.join(root, home[0])):
                out.append((home[0], f"the {what} are not where tests/tidy/words.py looks"))
            continue
        for place in others:
            there = words_at(root, place)
            if there is None:
                out.append((place[0], f"the {what} are not where tests/tidy/words.py looks"))
            elif sorted(there) != sorted(at_home):
                odd = ", ".join(sorted(set(at_home) ^ set(there)) or ["one twice"])
                out.append((place[0], f"not the {what} of {home[0]}: {odd}"))
    return out
