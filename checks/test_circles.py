"""The files of a crate must not import each other in circles, directly or through others. Needs only the sources.

A parent that declares, calls or re-exports its child is no circle, nor is a child that uses its parent's types. Both at
once are one: what they share belongs in a separate file, or in the child."""

import re
from collections import defaultdict

from conftest import ROOT
from findings import no_findings

TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|b?r(#+)".*?"\1|b?r?"(?:\\.|[^"\\])*"|\'(?:\\.[^\']*|[^\'\\])\'', re.S)
TEST_ONLY = re.compile(r"#\[cfg\((?:all\()?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*")
USE = re.compile(r"(?:\bpub(?:\([a-z: ]+\))?\s+)?\buse\s+([^;]+);")
DEFINITION = re.compile(r"\b(?:fn|struct|enum|trait|union|type|const|static|mod|macro_rules!)\s+([A-Za-z_]\w*)")
INLINE_MODULE = re.compile(r"\bmod\s+\w+\s*\{")
PATH = re.compile(r"(?<![\w:.])[A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)*")


def end_of_item(text, start):
    """The end of the item that begins at start: its semicolon, or its closing brace."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return place + 1
        elif text[place] == ";" and depth == 0:
            return place + 1
    return len(text)


def without_tests(text):
    while found := TEST_ONLY.search(text):
        text = text[: found.start()] + text[end_of_item(text, found.end()) :]
    return text


def one_level(text):
    """Treats the content of an inline module as part of the file itself."""
    while found := INLINE_MODULE.search(text):
        end = end_of_item(text, found.start())
        inner = re.sub(r"\bsuper::", "self::", text[found.end() : end - 1])
        text = text[: found.start()] + inner + text[end:]
    return text


def imported(tree, before=()):
    """The paths of a `use`, each with its local name (`*` for all names)."""
    tree = tree.strip()
    if tree.endswith("}"):
        head, inner = tree[:-1].split("{", 1)
        before = (*before, *(part for part in head.replace(" ", "").split("::") if part))
        depth, piece = 0, ""
        for char in inner + ",":
            depth += (char == "{") - (char == "}")
            if char == "," and depth == 0:
                if piece.strip():
                    yield from imported(piece, before)
                piece = ""
            else:
                piece += char
        return
    tree, _, name = tree.partition(" as ")
    path = (*before, *tree.replace(" ", "").split("::"))
    if path[-1] == "self":
        path = path[:-1]
    yield path, name.strip() or path[-1]


class Module:
    def __init__(self, file, path):
        self.file, self.path = file, path
        text = TEXT.sub(lambda found: "" if found[0].startswith("/") else '""', file.read_text())
        text = one_level(without_tests(text))
        self.body = USE.sub("", text)
        self.defined = set(DEFINITION.findall(self.body))
        self.imports, self.globs, self.used = {}, [], []
        for statement in USE.finditer(text):
            for target, name in imported(statement[1]):
                if name == "*":
                    self.globs.append(target[:-1])
                else:
                    self.imports[name] = target
                if not statement[0].startswith("pub"):
                    self.used.append(target)


class Crate:
    def __init__(self, folder):
        self.modules = {}
        for file in sorted(folder.rglob("*.rs")):
            parts = file.relative_to(folder).with_suffix("").parts
            if "tests" in parts or parts == ("main",) and (folder / "lib.rs").exists() or parts[0] == "bin":
                continue
            path = () if parts in [("lib",), ("main",)] else parts
            self.modules[path] = Module(file, path)

    def place(self, module, path, seen=frozenset()):
        """The module that defines a path in another; None if it is in another crate, or a name local to the body."""
        if (module.path, path) in seen:
            return None
        seen = seen | {(module.path, path)}
        here, rest = module.path, list(path)
        named = rest[0] in ("crate", "self", "super")
        if rest[0] == "crate":
            here, rest = (), rest[1:]
        elif rest[0] in ("self", "super"):
            while rest and rest[0] in ("self", "super"):
                here = here[:-1] if rest.pop(0) == "super" else here
        while rest and (*here, rest[0]) in self.modules:
            here, named = (*here, rest.pop(0)), True
        if not rest:
            return None
        found = self.modules.get(here)
        if found is None:
            return None
        name = rest[0]
        if name in found.defined:
            return found
        if name in found.imports:
            return self.place(found, (*found.imports[name], *rest[1:]), seen)
        for target in found.globs:
            ours = target[0] in ("crate", "self", "super") or (*here, target[0]) in self.modules
            if ours and (there := self.place(found, (*target, *rest), seen)):
                return there
        # What a macro declares belongs to the module in the path.
        return found if named else None

    def arrows(self):
        """For each module, the others that it uses, each with the paths it uses them by."""
        for module in self.modules.values():
            uses = defaultdict(set)
            written = {tuple(re.sub(r"\s", "", path).split("::")) for path in PATH.findall(module.body)}
            for path in [*module.used, *written]:
                there = self.place(module, path)
                if there and there is not module:
                    uses[there.path].add("::".join(path))
            yield module.path, uses


def circles(arrows):
    """The sets of modules that all lead to each other."""
    reach = {}
    for start in arrows:
        seen, todo = set(), [start]
        while todo:
            for there in arrows[todo.pop()]:
                if there not in seen:
                    seen.add(there)
                    todo.append(there)
        reach[start] = seen
    found = {frozenset(there for there in reach[start] if start in reach[there]) for start in arrows if start in reach[start]}
    return sorted(found, key=sorted)


@no_findings
def test_no_two_files_import_each_other():
    read = 0
    for folder in sorted(ROOT.glob("crates/**/src")):
        if "target" in folder.parts:
            continue
        crate = Crate(folder)
        arrows = dict(crate.arrows())
        read += sum(map(len, arrows.values()))
        for circle in circles(arrows):
            name = f"{folder.parent.name}: " + ", ".join("::".join(path) or "lib" for path in sorted(circle))
            ways = [
                f"    {'::'.join(start) or 'lib'} -> {'::'.join(there) or 'lib'}: {', '.join(sorted(by))}"
                for start in sorted(circle)
                for there, by in sorted(arrows[start].items())
                if there in circle
            ]
            yield "\n".join([f"{name} import each other:", *ways])
    assert read > 800, f"only {read} imports were found"


def test_a_circle_is_seen_through_names_that_a_third_file_exports(tmp_path):
    files = {
        "lib.rs": "mod shop;\npub use shop::Shop;\n",
        "shop.rs": "mod till;\nmod prices;\nuse self::prices::price;\npub struct Shop;\nfn sell() { till::open(price()) }\n",
        "shop/till.rs": "use crate::Shop;\npub(super) fn open(_: u8) {}\n#[cfg(test)]\nmod tests { use super::super::prices; }\n",
        "shop/prices.rs": "// use super::till;\npub(super) fn price() -> u8 { 1 }\n",
    }
    (tmp_path / "shop").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert circles(dict(Crate(tmp_path).arrows())) == [{("shop",), ("shop", "till")}]
