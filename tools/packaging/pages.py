#!/usr/bin/env python3
"""Manual pages, completions and the reference, from what the program says of its own verbs.

Usage: pages.py PROGRAM OUT VERSION SAMPLE DAEMON_PAGE

PROGRAM is lienthong; it is asked with --describe in both languages. SAMPLE is conf/agent.toml,
which becomes lienthong-agent.toml(5); DAEMON_PAGE is the page of lienthongd without its head. Into
OUT: man/man1, man/man5, man/man8, man/vi/man1, completions, reference.md, reference.vi.md.
"""
import json
import os
import re
import subprocess
import sys

import completions

WORDS = {
    "en": {"name": "NAME", "synopsis": "SYNOPSIS", "description": "DESCRIPTION", "verbs": "VERBS",
           "options": "OPTIONS", "arguments": "ARGUMENTS", "example": "EXAMPLE",
           "exit": "EXIT STATUS", "files": "FILES", "see": "SEE ALSO",
           "any": "OPTIONS OF EVERY VERB", "one": "one of",
           "needed": "needed", "often": "may be given several times", "none": "none",
           "title": "Verbs and options",
           "intro": "Made from the program's own tables: `lienthong VERB --help` says the same."},
    "vi": {"name": "TÊN", "synopsis": "CÚ PHÁP", "description": "MÔ TẢ", "verbs": "LỆNH",
           "options": "TÙY CHỌN", "arguments": "THAM SỐ", "example": "VÍ DỤ", "exit": "MÃ THOÁT",
           "files": "TỆP", "see": "XEM THÊM", "any": "TÙY CHỌN CỦA MỌI LỆNH", "one": "một trong",
           "needed": "bắt buộc", "often": "có thể dùng nhiều lần", "none": "không có",
           "title": "Lệnh và tùy chọn",
           "intro": "Lấy từ chính các bảng của chương trình: `lienthong LỆNH --help` nói như vậy."},
}
EXITS = {
    "en": (("0", "done"), ("1", "refused or failed; the reason is on standard error"),
           ("2", "wrong usage"), ("3", "no agent answers"), ("4", "no such thing")),
    "vi": (("0", "đã xong"), ("1", "bị từ chối hoặc thất bại; lý do ở đầu ra lỗi chuẩn"),
           ("2", "dùng sai"), ("3", "không có tác tử nào trả lời"), ("4", "không có thứ đó")),
}
FILES = {
    "en": (("/run/lienthong/agent.sock", "the socket of the agent's local API"),
           ("/etc/lienthong/agent.toml", "the agent's configuration, lienthong-agent.toml(5)"),
           ("/etc/lienthong/setup.toml", "what init and enroll begin that configuration with"),
           ("/var/lib/lienthong", "keys and database of this machine's office")),
    "vi": (("/run/lienthong/agent.sock", "ổ cắm của API cục bộ"),
           ("/etc/lienthong/agent.toml", "cấu hình của tác tử, lienthong-agent.toml(5)"),
           ("/etc/lienthong/setup.toml", "cấu hình mà init và enroll dùng để bắt đầu"),
           ("/var/lib/lienthong", "khóa và kho dữ liệu của cơ quan trên máy này")),
}


OPTION = re.compile(r"(?:# )?(\w+)\s*= ((?:\[.*?\]|\"[^\"]*\"|[\w.]+))\s*(?:# *(.*))?")


def described(program, language):
    said = subprocess.run([program, "--describe", "--lang", language], capture_output=True,
                          check=True)
    return json.loads(said.stdout)


# ---- manual pages ----

def roff(text):
    """Text as groff takes it: its own marks undone, dashes as they are typed."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line
                     for line in text.split("\n"))


def bold(text):
    return "\\fB" + roff(text) + "\\fR"


def cursive(text):
    return "\\fI" + roff(text) + "\\fR"


def is_shown(option):
    return "--help" not in option["names"]


def label(option, strong=lambda text: text, weak=lambda text: text):
    if not option["names"]:
        return weak(option["value"])
    names = ", ".join(strong(name) for name in option["names"])
    return names + (" " + weak(option["value"]) if option["value"] else "")


def remarks(option, words):
    out = []
    if option["words"]:
        out.append(words["one"] + " " + ", ".join(option["words"]))
    if option["required"]:
        out.append(words["needed"])
    if option["many"]:
        out.append(words["often"])
    return f" ({'; '.join(out)})" if out else ""


def list_options(options, words):
    out = []
    for option in options:
        out += [".TP", label(option, bold, cursive),
                roff((option["description"] or "–") + remarks(option, words))]
    return out


def synopsis(path, verb):
    parts = [bold(" ".join(path))]
    if any(option["names"] and is_shown(option) for option in verb["options"]):
        parts.append("[" + cursive("OPTION") + "]...")
    for option in verb["options"]:
        if not option["names"]:
            shown = cursive(option["value"]) + ("..." if option["many"] else "")
            parts.append(shown if option["required"] else f"[{shown}]")
        elif option["required"]:
            parts.append(label(option, bold, cursive))
    if verb["verbs"]:
        parts.append(cursive("VERB"))
    return " ".join(parts)


def section(path, verb, words, heading):
    """One verb, with those below it."""
    out = [f".{heading} {roff(' '.join(path[1:]))}"] if heading == "SS" else []
    out += [".PP" if heading == "SS" else f".SH {words['synopsis']}", synopsis(path, verb)]
    if heading == "SH":
        out.append(f".SH {words['description']}")
    else:
        out.append(".PP")
    out.append(roff(verb["description"]))
    arguments = [option for option in verb["options"] if not option["names"]]
    options = [option for option in verb["options"] if option["names"] and is_shown(option)]
    for group, title in ((arguments, "arguments"), (options, "options")):
        if group:
            out += [f".SH {words[title]}"] if heading == "SH" else []
            out += list_options(group, words)
    if verb["example"]:
        out += [f".SH {words['example']}"] if heading == "SH" else []
        out += [".PP", ".nf", ".RS", roff(verb["example"]), ".RE", ".fi"]
    return out


def below(path, verb):
    """All verbs under one, in the order of the table."""
    for each in verb["verbs"]:
        yield path + [each["name"]], each
        yield from below(path + [each["name"]], each)


def head(name, number, version):
    return [f'.TH {roff(name).upper()} {number} "" "lienthong {version}" "Liên Thông"',
            ".nh", ".ad l"]


def verb_page(verb, words, version):
    path = ["lienthong", verb["name"]]
    out = head("-".join(path), 1, version)
    out += [f".SH {words['name']}", roff("-".join(path)) + " \\- " + roff(verb["description"])]
    out += section(path, verb, words, "SH")
    inner = list(below(path, verb))
    if inner:
        out.append(f".SH {words['verbs']}")
        for inner_path, each in inner:
            out += section(inner_path, each, words, "SS")
    out += [f".SH {words['see']}", ".BR lienthong (1)"]
    return "\n".join(out) + "\n"


def pairs(rows):
    out = []
    for name, text in rows:
        out += [".TP", bold(name), roff(text)]
    return out


def main_page(tree, language, version):
    words = WORDS[language]
    out = head("lienthong", 1, version)
    out += [f".SH {words['name']}", "lienthong \\- " + roff(tree["description"])]
    out += [f".SH {words['synopsis']}",
            bold("lienthong") + " [" + cursive("OPTION") + "]... " + cursive("VERB") + " ..."]
    out += [f".SH {words['verbs']}"]
    for verb in tree["verbs"]:
        out += [".TP", ".BR lienthong\\-" + roff(verb["name"]) + " (1)", roff(verb["description"])]
    out += [f".SH {words['any']}"] + list_options(tree["options"], words)
    out += [f".SH {words['exit']}"] + pairs(EXITS[language])
    out += [f".SH {words['files']}"] + pairs(FILES[language])
    out += [f".SH {words['see']}", ".BR lienthongd (8),", ".BR lienthong\\-agent.toml (5)"]
    return "\n".join(out) + "\n"


def settings(sample):
    """(section, name, default, remark) of each option of the sample configuration."""
    section_name = ""
    for line in sample.split("\n"):
        found = re.fullmatch(r"(?:# )?(\[\[?[\w.]+\]\]?)(?:\s*#.*)?", line)
        if found:
            section_name = found.group(1)
            continue
        found = OPTION.fullmatch(line)
        if found:
            yield section_name, found.group(1), found.group(2), found.group(3) or ""
        elif line.strip() and not line.startswith("# "):
            raise SystemExit(f"conf/agent.toml: neither a section nor an option: {line}")


def settings_page(sample, version):
    out = head("lienthong-agent.toml", 5, version)
    out += [".SH NAME", "lienthong\\-agent.toml \\- configuration of the agent lienthongd",
            ".SH DESCRIPTION",
            roff("The agent reads /etc/lienthong/agent.toml, which points into the data folder, "
                 "where init and enroll have written it. A mistake is reported with its line, and "
                 "the agent does not start; lienthongd --check only looks. After a change of "
                 "neighbours or of the log level: systemctl reload lienthongd, else systemctl "
                 "restart lienthongd. The values shown are the defaults, or examples where there "
                 "is none.")]
    last = None
    for place, name, default, remark in settings(sample):
        if place != last:
            out.append(f".SH {roff(place) if place else 'OPTIONS'}")
            last = place
        out += [".TP", bold(name) + " = " + roff(default), roff(remark or "–")]
    out += [".SH SEE ALSO", ".BR lienthongd (8),", ".BR lienthong (1)"]
    return "\n".join(out) + "\n"


# ---- reference ----

def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def reference(tree, language):
    words = WORDS[language]
    out = [f"# {words['title']}", "", words["intro"], ""]

    def table(options):
        rows = [option for option in options if is_shown(option)]
        if not rows:
            return
        out.extend(["| | |", "| --- | --- |"])
        out.extend(f"| `{cell(label(option))}` | "
                   f"{cell((option['description'] or '–') + remarks(option, words))} |"
                   for option in rows)
        out.append("")

    table(tree["options"])
    for path, verb in below(["lienthong"], tree):
        out.extend(["#" * min(len(path), 4) + " " + " ".join(path[1:]), "",
                    verb["description"] + ".", ""])
        table(verb["options"])
        if verb["example"]:
            out.extend(["```", verb["example"], "```", ""])
    return "\n".join(out).rstrip("\n") + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def main(program, out, version, sample_file, daemon_file):
    for language, folder in (("en", "man/man1"), ("vi", "man/vi/man1")):
        tree = described(program, language)
        write(f"{out}/{folder}/lienthong.1", main_page(tree, language, version))
        for verb in tree["verbs"]:
            write(f"{out}/{folder}/lienthong-{verb['name']}.1",
                  verb_page(verb, WORDS[language], version))
        suffix = "" if language == "en" else "." + language
        write(f"{out}/reference{suffix}.md", reference(tree, language))
    with open(sample_file, encoding="utf-8") as stream:
        write(f"{out}/man/man5/lienthong-agent.toml.5", settings_page(stream.read(), version))
    with open(daemon_file, encoding="utf-8") as stream:
        daemon = "\n".join(head("lienthongd", 8, version)) + "\n" + stream.read()
    write(f"{out}/man/man8/lienthongd.8", daemon)
    tree = described(program, "en")
    for name, text in completions.of(tree).items():
        write(f"{out}/completions/{name}", text)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
