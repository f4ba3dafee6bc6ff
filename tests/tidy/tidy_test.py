#!/usr/bin/env python3
"""The tidy check finds what it is there to find, and leaves alone what is right."""
import os
import tempfile
import unittest

import commands
import rooms
import tidy
import words


TABLE = """
protocol: values
  ->
store/replica: the engine
  -> protocol
store/office: the office
  -> store/replica
store: all of it
  -> store/office
agent: the daemon
  -> store
tools: the command line
  -> protocol agent/setup.h
tests: anything
"""


def findings(files, table=None):
    """Rules that fire on a tree made of these files, as a sorted list of (rule, path). Without a
    table of its own it has TABLE, and rooms of that without sources do not count."""
    with tempfile.TemporaryDirectory() as root:
        files = {rooms.TABLE: table or TABLE, **files}
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as stream:
                stream.write(text)
        return sorted({(rule, path) for rule, path, _, text in tidy.Tidy(root).run()
                       if table or not text.startswith("no sources in")})


def source(path, text):
    folder, name = os.path.split(path)
    return {path: text, f"{folder}/CMakeLists.txt": f"add_library(x {name})\n"}


class TidyTest(unittest.TestCase):
    def expect(self, path, text, *rules):
        self.assertEqual([(rule, path) for rule in sorted(rules)], findings(source(path, text)))

    def test_imports_point_down(self):
        self.expect("store/a.cc", '#include "protocol/ids.h"\n')
        self.expect("store/a.cc", '#include "agent/engine/engine.h"\n', "import")
        self.expect("protocol/a.cc", '#include "store/replica/replica.h"\n', "import")
        self.expect("tools/a.cc", '#include "store/replica/replica.h"\n', "import")
        self.expect("tools/a.cc", '#include "agent/setup.h"\n')
        self.expect("tools/a.cc", '#include "agent/engine.h"\n', "import")
        self.expect("tests/a.cc", '#include "agent/engine.h"\n')

    def test_rooms_of_a_storey(self):
        self.expect("store/office/a.cc", '#include "store/replica/replica.h"\n')
        self.expect("store/office/a.cc", '#include "protocol/ids.h"\n')
        self.expect("store/replica/a.cc", '#include "store/office/row.h"\n', "import")
        self.expect("store/office/a.cc", '#include "store/desk/operations.h"\n', "import")

    def test_a_folder_without_a_room_and_a_room_without_a_folder(self):
        self.expect("store/attic/a.cc", "int a;\n", "room")
        self.assertEqual([("room", rooms.TABLE)],
                         findings(source("store/a.cc", ""), "store: s\n  ->\nattic: a\n  ->\n"))

    def test_the_table_itself(self):
        for table in ("store: s\n  -> cellar\n",
                      "store: s\n  -> agent\nagent: a\n  -> store\n",
                      "store: s\n  ->\nstore: again\n", "store\n  ->\n"):
            self.assertTrue(rooms.Rooms(table).problems, table)
        self.assertEqual([], rooms.Rooms(TABLE).problems)

    def test_the_document_has_the_table(self):
        table = "store: s\n  ->\n"
        made = rooms.Rooms(table).markdown()
        tree = source("store/a.cc", "")
        self.assertEqual([], findings({**tree, rooms.DOCUMENT: f"# x\n\n{made}"}, table))
        self.assertEqual([("room", rooms.DOCUMENT)],
                         findings({**tree, rooms.DOCUMENT: made.replace("| s |", "| t |")}, table))

    def test_inner_layers_do_no_io(self):
        self.expect("protocol/a.cc", "#include <fstream>\n", "header")
        self.expect("protocol/a.cc", "#include <asio.hpp>\n", "header")
        self.expect("store/a.cc", "#include <asio/ip/tcp.hpp>\n", "header")
        self.expect("protocol/a.cc", "auto t = std::chrono::system_clock::now();\n", "clock")
        self.expect("store/a.cc", "std::cout << 1;\n", "prints")

    def test_what_clang_14_cannot_compile(self):
        self.expect("protocol/a.cc", "v.erase(std::ranges::unique(v).begin());\n", "subrange")
        self.expect("store/a.cc", "for (int i : std::views::reverse(v)) go(i);\n", "subrange")
        self.expect("store/a.cc", "std::ranges::sort(v);\n")

    def test_coroutine_traps(self):
        self.expect("agent/a.cc", "co_spawn(x, f(), asio::detached);\n", "detached")
        self.expect("agent/a.cc", "co_await run([this] { go(); });\n", "await-capture")
        self.expect("agent/a.cc", "co_await run(Options{.n = 3});\n", "await-brace")
        self.expect("agent/a.cc", "if (auto x = co_await run(list[i]); x) {\n}\n")

    def test_comments_and_strings_do_not_count(self):
        self.expect("agent/a.cc", '// asio::detached\nauto s = "std::cout";\n')

    def test_tests_neither_sleep_nor_skip(self):
        self.expect("tests/a_test.cc", "std::this_thread::sleep_for(1ms);\n", "sleep-in-test")
        self.expect("tests/a_test.cc", "GTEST_SKIP();\n", "skipped-test")
        self.expect("tests/a_test.cc", "EXPECT_TRUE(true);\n", "vacuous-test")

    def test_layout(self):
        self.expect("store/a.cc", "int a;  // " + "x" * 100 + "\n", "long-line")
        self.expect("store/a.cc", "int a;\n" * 601, "long-file")
        self.expect("store/a.cc", "void f() {\n" + "  g();\n" * 70 + "}\n", "long-function")
        self.expect("store/a.cc", "namespace x {\n" + "  g();\n" * 70 + "}\n")
        self.expect("store/a.cc", "int a; // TO" + "DO\n", "mark")
        self.assertEqual([("pragma-once", "store/a.h")], findings({"store/a.h": "int a;\n"}))

    def test_a_type_is_defined_once(self):
        def of(name, space="lienthong::store"):
            text = f"#pragma once\nnamespace {space} {{\nstruct {name} {{\n}};\n}}  // namespace\n"
            return text
        self.assertEqual([("twice", "store/b.h")],
                         findings({"store/a.h": of("Offer"), "store/b.h": of("Offer")}))
        for other in (of("Other"), of("Offer", "lienthong::wire")):
            self.assertEqual([], findings({"store/a.h": of("Offer"), "store/b.h": other}))

    def test_a_source_that_nobody_builds(self):
        self.assertEqual([("orphan", "store/b.cc")],
                         findings({**source("store/a.cc", ""), "store/b.cc": ""}))

    def test_links_lead_somewhere(self):
        page = "# A page\n\n## Of `kA`: how, and why\n\n## Twice\n\n## Twice\n"
        def expect(link, *rules, path="docs/a.md"):
            found = findings({path: f"[x]({link})\n", "docs/b/page.md": page})
            self.assertEqual([(rule, path) for rule in rules], found, link)
        expect("b/page.md")
        expect("b/page.md#of-ka-how-and-why")
        expect("b/page.md#twice-1")
        expect("b")
        expect("https://example.org/nowhere.md#none")
        expect("docs/b/page.md#a-page", path="README.md")
        expect("page.md", "link")
        expect("b/page.md#twice-2", "link")
        expect("#none", "link")
        expect("b/page.md", "link", path="README.md")
        self.assertEqual([], findings({"docs/a.md": "`[x](none.md)`\n```\n[x](none.md)\n```\n"}))

    def test_comments_name_pages_that_are_there(self):
        pages = {"docs/a.md": "# A\n\n## Of it\n"}
        def expect(comment, *rules):
            found = findings({**source("store/a.cc", f"// {comment}\n"), **pages})
            self.assertEqual([(rule, "store/a.cc") for rule in rules], found, comment)
        expect('docs/a.md, "Of it"')
        expect('docs/a.md,\n// "Of it". More.')
        expect("docs/a.md")
        expect("docs/b.md", "page")
        expect('docs/a.md, "Of that"', "page")
        expect('docs/a.md,\n// "Of that"', "page")

    def test_pages_name_what_there_is(self):
        tree = {"tests/a_test.cc": 'TEST_F(Suite, DoesIt) { std::getenv("LT_SIM_SEED"); }\n',
                "tests/CMakeLists.txt": "lt_test(a_test unit\n  SOURCES a_test.cc)\n"
                                        "foreach(target decode_it)\nlt_process_test(kill_test)\n",
                "tests/fuzz/run": "#!/bin/sh\n",
                "CMakePresets.json": '{"configurePresets": [{"name": "dev"}]}'}
        def expect(text, *found):
            page = {"CONTRIBUTING.md": text}
            self.assertEqual([("command", "CONTRIBUTING.md")] if found else [],
                             findings({**tree, **page}), text)
            with tempfile.TemporaryDirectory() as root:
                for path, content in {**tree, **page}.items():
                    os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                    with open(os.path.join(root, path), "w", encoding="utf-8") as stream:
                        stream.write(content)
                told = [wrong for _, wrong in commands.problems(commands.Tree(root), text)]
            self.assertEqual(list(found), told)
        def typed(command, *found):
            expect(f"# Page\n\n```\n{command}\n```\n", *found)
        expect("`tests/a_test.cc`, `tests/fuzz`, `Suite.DoesIt`, `/etc/x`, `build/x/y.cc`, `a/b`")
        expect("`tests/b_test.cc`", "there is no tests/b_test.cc")
        expect("`store/a.h`", "there is no store/a.h")
        expect("`tests/attic`", "there is no tests/attic")
        expect("`Suite.DoesNot`", "no test Suite.DoesNot")
        typed("cmake --build --preset dev --target a_test")
        typed("cmake --build --preset dev --target b_test", "no target b_test")
        typed("cmake --preset debug", "no preset debug")
        typed("LT_SIM_SEED=1 build/dev/tests/a_test --gtest_filter=Suite.*  # Not.This")
        typed("LT_SIM_SEAD=1 build/dev/tests/a_test", "no test reads LT_SIM_SEAD")
        typed("build/dev/tests/a_test --gtest_filter=Suite.Is", "no test Suite.Is")
        typed("build/dev/tests/fuzz/a_test", "no program a_test is made in tests/fuzz")
        typed("ctest --preset dev -R '^integration_kill_test$'")
        typed("ctest --preset dev -R kill", "ctest knows no kill")
        typed("tests/fuzz/run --seconds 60 decode_it")
        typed("tests/fuzz/run decode_that", "no fuzzer decode_that")
        typed("tests/walk", "there is no tests/walk")

    def test_lists_of_words_are_one_list(self):
        lists = {"colours": (("a.cc", r"k = \{(.*?)\}", r'"(\w+)"'),
                             [("b.yaml", r"enum: \[(.*?)\]", r"\w+")])}
        home = {"a.cc": 'k = {"red", "blue"};\n'}

        def found(files):
            with tempfile.TemporaryDirectory() as root:
                for path, text in files.items():
                    with open(os.path.join(root, path), "w", encoding="utf-8") as stream:
                        stream.write(text)
                return words.problems(root, lists)

        self.assertEqual([], found({**home, "b.yaml": "enum: [blue, red]\n"}))
        self.assertEqual([("b.yaml", "not the colours of a.cc: green")],
                         found({**home, "b.yaml": "enum: [blue, red, green]\n"}))
        self.assertEqual([("b.yaml", "not the colours of a.cc: one twice")],
                         found({**home, "b.yaml": "enum: [blue, red, red]\n"}))
        lost = "the colours are not where tests/tidy/words.py looks"
        self.assertEqual([("b.yaml", lost)], found({**home, "b.yaml": "none\n"}))
        self.assertEqual([("a.cc", lost)], found({"a.cc": "", "b.yaml": "enum: [blue]\n"}))

    def test_allowances_only_shrink(self):
        found = [("mark", "a.cc", 1, "x")]
        self.assertEqual(0, tidy.report(found, {("mark", "a.cc"): 1}))
        self.assertEqual(1, tidy.report(found, {}))
        self.assertEqual(1, tidy.report(found, {("mark", "a.cc"): 2}))


if __name__ == "__main__":
    unittest.main()
