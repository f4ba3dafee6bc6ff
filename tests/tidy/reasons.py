"""The reasons that the sources compose for people, as patterns with {} for each value.

An error's detail is an expression of literals and values: "code " + code + " is taken" is the
pattern "code {} is taken". Where a part is one of two, each gives a pattern of its own.
"""
import itertools
import os
import re

STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
CHARACTER = re.compile(r"'(?:\\.|[^'\\\n])'")
# What makes an error: its detail is the last argument that is text.
MAKERS = re.compile(r"\b(?:Error|wrong|fail|mistake|send_error|error_json|wait|refuse_all|bad|"
                    r"require_custody|require_agency|nothing_to_print|"
                    r"mistakes\.(?:push|emplace)_back)\(")
# Whose reasons people read: the office's rules, the agent, and of the protocol what a file or an
# operation brings in. What a session says of a peer's bytes, and what is read at start and goes to
# the log, is for those who write such programs: it stays English.
FOLDERS = ("store/", "agent/", "protocol/base/csv.cc", "protocol/base/text_fields.",
           "protocol/blob/chunk_tree.h", "protocol/enrolment/",
           "protocol/bundle/", "protocol/crypto/secret_file.cc", "protocol/record/registry",
           "protocol/record/root_file.cc", "protocol/record/update.cc")
NOT_SHOWN = ("store/office/calendar.cc", "store/office/portal.cc", "store/forms/form.cc",
             "agent/net/net_watch.cc", "agent/links/budget.cc")
# Texts that stand elsewhere and are handed on as values of others: file, and what is a text there.
LITERAL = r'((?:"(?:\\.|[^"\\\n])*"\s*)+)'
VALUES = (
    ("agent/texts/reasons.cc", rf"\{{Reason::\w+, \"[^\"]*\",\s*{LITERAL}\}}"),
    ("agent/texts/reasons.cc", rf"^    \{{\"[^\"]*\", {LITERAL}\}}"),
    ("store/forms/form_values.cc", rf"^ +(?:case FormKind::\w+: |default: )?return {LITERAL};"),
    ("store/desk/clock.cc", rf"Field::k\w+, Field::k\w+, {LITERAL}\}}"),
    ("store/desk/checks.cc",
     rf"^ +(?:case Status::\w+: |if \(!from\) )?return {LITERAL};"),
)
# A code, or the name of a field: not a text.
WORD = re.compile(r"(?:[a-z_-]|\{\}\.?|[a-z]\.)+")


def skip(source, at):
    """The place after the string or character that begins at `at`, or `at`."""
    for token in (STRING, CHARACTER):
        match = token.match(source, at)
        if match:
            return match.end()
    return at


def split(text, marks):
    """At marks on the top level: outside brackets and strings."""
    parts, depth, begin, at = [], 0, 0, 0
    while at < len(text):
        after = skip(text, at)
        if after != at:
            at = after
            continue
        char = text[at]
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and char in marks and text[at:at + 2] not in ("::",) and \
                text[at - 1:at + 1] not in ("::", "->"):
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return parts + [text[begin:]]


def calls(source):
    """Arguments of every call of a maker."""
    for match in MAKERS.finditer(source):
        depth, at = 1, match.end()
        while depth and at < len(source):
            after = skip(source, at)
            if after != at:
                at = after
                continue
            depth += (source[at] in "([{") - (source[at] in ")]}")
            at += 1
        yield split(source[match.end():at - 1], ",")


def unquote(text):
    joined = "".join(part[1:-1] for part in STRING.findall(text))
    return joined.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def is_text(term):
    return re.fullmatch(rf"(?:{STRING.pattern}\s*)+", term.strip()) is not None


def choose(expression):
    """The two sides of `condition ? one : other`; None: it is no choice."""
    parts = split(expression, "?")
    if len(parts) < 2:
        return None
    rest = "?".join(parts[1:])
    open_choices = 0
    pieces = split(rest, "?:")
    at = 0
    for piece in pieces[:-1]:
        at += len(piece)
        if rest[at] == "?":
            open_choices += 1
        elif open_choices == 0:
            return rest[:at], rest[at + 1:]
        else:
            open_choices -= 1
        at += 1
    return None


def patterns(expression):
    """All that the expression can give."""
    expression = expression.strip()
    choice = choose(expression)
    if choice:
        return patterns(choice[0]) + patterns(choice[1])
    terms = [term.strip() for term in split(expression, "+")]
    if len(terms) > 1:
        options = [patterns(term) for term in terms]
        return ["".join(parts) for parts in itertools.product(*options)]
    if is_text(expression):
        return [unquote(expression)]
    wrapped = re.fullmatch(r"(?:std::string)?\((.*)\)", expression, re.S)
    if wrapped and (is_text(wrapped.group(1)) or expression.startswith("(")):
        return patterns(wrapped.group(1))
    return ["{}"]


def reasons_of(source, name):
    """The patterns of one file, without those that only pass on what others say."""
    source = re.sub(r"^\s*//.*$", "", source, flags=re.M)
    found = set()
    for arguments in calls(source):
        texts = [argument for argument in arguments if '"' in argument]
        if texts and arguments[0].strip() not in ("Errc code", "httplib::Response& response"):
            for text in texts:
                found.update(patterns(text))
    out = set()
    for path, expression in VALUES:
        if name == path:
            for match in re.finditer(expression, source, re.M):
                out.add(unquote(match.group(1)))
    out.discard("unknown")  # what a switch ends with
    for pattern in found:
        pattern = re.sub(r"(\{\})+", "{}", pattern)
        if re.search(r"[A-Za-z]{2}", pattern.replace("{}", "")) and not (
                WORD.fullmatch(pattern) and not name.startswith("store/desk/")):
            out.add(pattern)
    return out


def reasons(root):
    """Pattern -> the file that says it, of the whole tree."""
    out = {"line {}": "agent/api/operations.cc", "line {}, field {}": "agent/api/operations.cc"}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ("build", ".git"))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            ours = path.startswith(FOLDERS) and path not in NOT_SHOWN
            if not ours or not path.endswith((".cc", ".h")):
                continue
            with open(os.path.join(root, path), encoding="utf-8") as stream:
                for pattern in reasons_of(stream.read(), path):
                    out.setdefault(pattern, path)
    return out
