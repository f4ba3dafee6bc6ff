"""Completions for bash, zsh and fish, from the description that `lienthong --describe` gives."""

FOLDERS = ("--data", "--out-dir", "--scratch")


def own_options(verb):
    return [option for option in verb["options"] if option["names"]]


def walk(path, verb, above):
    """(path, verb, options that may stand there) of the program and each verb."""
    options = own_options(verb) + above
    yield path, verb, options
    for each in verb["verbs"]:
        yield from walk(path + [each["name"]], each, options)


def names_of(options):
    return sorted({name for option in options for name in option["names"]})


def values_of(verb):
    """Words that the arguments of a verb take, where that is a list."""
    return sorted({word for option in verb["options"] if not option["names"]
                   for word in option["words"]})


def case_of(names):
    return "|".join(names)


def bash(tree):
    nodes = list(walk([], tree, []))
    out = ["# bash completion for lienthong; made from its own verbs.", "_lienthong() {",
           '  local word=${COMP_WORDS[COMP_CWORD]} before="" path="" each i',
           "  [[ $COMP_CWORD -gt 0 ]] && before=${COMP_WORDS[COMP_CWORD-1]}",
           "  COMPREPLY=()",
           "  for ((i = 1; i < COMP_CWORD; i++)); do",
           "    each=${COMP_WORDS[i]}",
           '    case "$path/$each" in']
    inner = ["/" + "/".join(path) for path, _, _ in nodes if path]
    out += [f"      {path}) path={path} ;;" for path in inner]
    out += ["    esac", "  done", '  case "$path:$before" in']
    for path, _, options in nodes:
        place = "/" + "/".join(path) if path else ""
        for option in options:
            if option["words"]:
                patterns = "|".join(f'"{place}:{name}"' for name in option["names"])
                words = " ".join(option["words"])
                out.append(f'    {patterns}) mapfile -t COMPREPLY < <(compgen -W "{words}" -- '
                           '"$word"); return ;;')
            elif option["value"]:
                kind = "-d" if option["names"][-1] in FOLDERS else "-f"
                patterns = "|".join(f'"{place}:{name}"' for name in option["names"])
                out.append(f'    {patterns}) mapfile -t COMPREPLY < <(compgen {kind} -- "$word"); '
                           "return ;;")
    out += ["  esac", '  case "$path" in']
    for path, verb, options in nodes:
        place = '"/' + "/".join(path) + '"' if path else '""'
        words = [each["name"] for each in verb["verbs"]] + values_of(verb)
        out.append(f'    {place}) each="{" ".join(words + names_of(options))}" ;;')
    out += ["  esac", '  mapfile -t COMPREPLY < <(compgen -W "$each" -- "$word")', "}",
            "complete -o default -F _lienthong lienthong", ""]
    return "\n".join(out)


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_text(text):
    for mark in ("\\", "[", "]", ":"):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")


def zsh(tree):
    out = ["#compdef lienthong", "# zsh completion for lienthong; made from its own verbs.", ""]
    for path, verb, options in walk([], tree, []):
        name = "_lienthong" + "".join("_" + part.replace("-", "_") for part in path)
        out += [f"{name}() {{"]
        if verb["verbs"]:
            out += ["  local -a verbs", "  verbs=("]
            out += ["    " + quoted(each["name"] + ":" + each["description"].replace("\n", " "))
                    for each in verb["verbs"]]
            out += ["  )"]
        specs = []
        for option in options:
            action = ""
            if option["words"]:
                action = f":{option['value'].lower()}:({' '.join(option['words'])})"
            elif option["value"]:
                kind = "_files -/" if option["names"][-1] in FOLDERS else "_files"
                action = f":{option['value'].lower()}:{kind}"
            for each in option["names"]:
                specs.append(quoted(f"*{each}[{zsh_text(option['description'])}]{action}"))
        words = values_of(verb)
        if verb["verbs"]:
            specs += [quoted("1: :->verb"), quoted("*:: :->rest")]
        else:
            specs.append(quoted(f"*: :({' '.join(words)})") if words else quoted("*: :_files"))
        out.append("  local curcontext=$curcontext state line")
        out.append("  _arguments -C \\\n    " + " \\\n    ".join(specs))
        if verb["verbs"]:
            out += ["  case $state in", "    verb) _describe verb verbs ;;",
                    "    rest)", "      case $line[1] in"]
            out += [f"        {each['name']}) {name}_{each['name'].replace('-', '_')} ;;"
                    for each in verb["verbs"]]
            out += ["      esac ;;", "  esac"]
        out += ["}", ""]
    out += ['_lienthong "$@"', ""]
    return "\n".join(out)


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"


def fish(tree):
    out = ["# fish completion for lienthong; made from its own verbs.",
           "function __lienthong_path",
           "    set -l path",
           "    for word in (commandline -opc)[2..-1]",
           '        switch "$path/$word"']
    nodes = list(walk([], tree, []))
    inner = ["/" + "/".join(path) for path, _, _ in nodes if path]
    out += [f"            case {' '.join(inner)}", '                set path "$path/$word"',
            "        end", "    end", '    test "$path" = "$argv[1]"', "end", ""]
    for path, verb, _ in nodes:
        place = "/" + "/".join(path) if path else ""
        condition = f"-n {fish_quoted(f'__lienthong_path {fish_quoted(place)}')}"
        for each in verb["verbs"]:
            out.append(f"complete -c lienthong {condition} -f -a {each['name']} "
                       f"-d {fish_quoted(each['description'])}")
        if values_of(verb):
            words = fish_quoted(" ".join(values_of(verb)))
            out.append(f"complete -c lienthong {condition} -a {words}")
        # Those of the program itself may stand anywhere.
        where = condition if path else ""
        for option in own_options(verb):
            line = f"complete -c lienthong {where}".rstrip()
            for name in option["names"]:
                line += f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
            if option["words"]:
                line += f" -x -a {fish_quoted(' '.join(option['words']))}"
            elif option["value"]:
                line += " -r"
            out.append(line + f" -d {fish_quoted(option['description'])}")
    return "\n".join(out) + "\n"


def of(tree):
    return {"lienthong.bash": bash(tree), "_lienthong": zsh(tree), "lienthong.fish": fish(tree)}
