"""The shape of the package: who may import whom, who may start what, which codes exist.

Read from the source (AST), so that an import inside a function counts too; what a pure module
drags in is tried in a fresh interpreter.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lfci_gate.codes import CODES

PACKAGE = Path(__file__).resolve().parent.parent / "lfci_gate"

# The layers, lowest first. A module belongs to the longest name here that it starts with, and may
# import its own layer's rooms only where ROOM_IMPORTS says so, and all lower ones.
LAYERS: tuple[tuple[str, ...], ...] = (
    (
        *("__init__", "model", "errors", "codes", "value", "grammar", "fields", "canonical", "patterns"),
        *("resources", "files", "system", "machine"),
    ),
    ("git", "nix", "lockfiles", "attest", "config", "hif", "store"),
    ("snapshot", "session_file", "session", "engines", "gate.rules"),
    ("gate", "clone", "runner", "cache", "audit"),
    ("cli", "__main__"),
)
# gate.rules brings its siblings along: what it imports of gate/, at any distance, is of its layer.

# Within a layer: room -> rooms of the same layer it may import.
ROOM_IMPORTS: dict[str, set[str]] = {
    "config": {"attest"},  # policy keys are parsed where keys are understood
    "session": {"snapshot", "session_file"},
    "clone": {"gate", "cache"},
    "runner": {"clone", "gate"},
    "cache": {"gate"},
    "audit": {"gate", "cache"},
    "__main__": {"cli"},
    **{name: {name} for name in ("model", "errors", "codes")},
}

# These decide from bytes: nothing they import, at whatever distance, can reach a process, a
# repository, the clock or the environment.
PURE = ("model", "errors", "codes", "grammar", "fields", "canonical", "patterns", "gate.rules",
        "attest.statement", "attest.dsse", "config", "snapshot", "lockfiles.names")  # fmt: skip
FORBIDDEN_MODULES = ("subprocess", "pygit2", "cryptography", "socket", "sqlite3", "logging", "tempfile")


@cache
def rules_and_siblings() -> frozenset[str]:
    """gate.rules and the modules of gate/ that it needs."""
    found: set[str] = set()
    waiting = ["gate.rules"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += {there for _, there in ours(name) if there.startswith("gate.")} - found
    return frozenset(found)


def room(module: str) -> str:
    """The entry of LAYERS that ``module`` (below the package) belongs to."""
    if module in rules_and_siblings():
        return "gate.rules"
    names = {name for layer in LAYERS for name in layer}
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in names:
            return ".".join(parts[:length])
    raise AssertionError(f"lfci_gate.{module} belongs to no layer: add it to LAYERS")


def layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


@cache
def sources() -> dict[str, tuple[Path, ast.Module]]:
    """Module name below the package -> file and syntax tree."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path, ast.parse(path.read_bytes(), filename=str(path))
    return found


def imports(name: str) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that ``name`` imports, at the top or inside functions."""
    path, tree = sources()[name]
    package = ["lfci_gate", *name.split(".")]
    if path.name != "__init__.py" or name == "__init__":
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                below = f"{base}.{alias.name}".removeprefix("lfci_gate.")
                yield node.lineno, f"{base}.{alias.name}" if below in sources() else base


def ours(name: str) -> Iterator[tuple[int, str]]:
    for line, imported in imports(name):
        if imported.startswith("lfci_gate."):
            yield line, imported.removeprefix("lfci_gate.")


# -- imports -------------------------------------------------------------------------------------


def test_imports_point_one_way() -> None:
    wrong = []
    for name in sources():
        here = room(name)
        for line, imported in ours(name):
            there = room(imported)
            if here == there or layer(there) < layer(here):
                continue
            beside = here.partition(".")[0] == there.partition(".")[0] or there in ROOM_IMPORTS.get(
                here, set()
            )
            base = layer(here) == layer(there) == 0
            if layer(there) != layer(here) or not (beside or base):
                wrong.append(f"lfci_gate/{name.replace('.', '/')}.py:{line} imports {imported}")
    assert wrong == []


def test_the_base_imports_no_circle() -> None:
    base = {name: {imported for _, imported in ours(name)} for name in sources() if layer(room(name)) == 0}
    order: list[str] = []
    while len(order) < len(base):
        free = [name for name in base if name not in order and base[name] <= set(order)]
        assert free, f"a circle among {sorted(set(base) - set(order))}"
        order += free


def pure_modules() -> list[str]:
    pure = {name for name in sources() if any(name == each or name.startswith(f"{each}.") for each in PURE)}
    return sorted(pure | rules_and_siblings())


def test_pure_modules_import_nothing_that_acts() -> None:
    names = [f"lfci_gate.{name}" for name in pure_modules()]
    script = (
        "import sys\n"
        f"for name in {names!r}: __import__(name)\n"
        f"print(*sorted(set(sys.modules) & set({FORBIDDEN_MODULES!r})))"
    )
    told = subprocess.check_output([sys.executable, "-I", "-c", script], text=True)
    assert told.split() == []


@pytest.mark.parametrize("name", pure_modules())
def test_pure_modules_ask_neither_clock_nor_environment(name: str) -> None:
    _, tree = sources()[name]
    asked = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {
            *("os.environ", "os.environb", "os.getenv", "datetime.now", "datetime.utcnow", "datetime.today"),
            *("datetime.datetime.now", "datetime.datetime.utcnow", "date.today", "datetime.date.today"),
        }:
            asked.append(f"line {node.lineno}: {ast.unparse(node)}")
    asked += [
        f"line {line}: {module}" for line, module in imports(name) if module in {"time", "os", "random"}
    ]
    assert asked == []


# -- processes -------------------------------------------------------------------------------------


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """First elements of lists and tuples of literals: what an argv starts with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and node.elts:
            first = node.elts[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


@pytest.mark.parametrize(("program", "place"), [("git", "git"), ("nix", "nix")])
def test_git_and_nix_are_started_in_one_room_each(program: str, place: str) -> None:
    names = re.compile(rf"(.*/)?{program}(-[a-z-]+)?")
    found = [
        f"{name}:{line}: {first}"
        for name, (_, tree) in sources().items()
        if room(name) != place and any(module == "subprocess" for _, module in imports(name))
        for line, first in strings(tree)
        if names.fullmatch(first)
    ]
    assert found == []


def test_nobody_asks_a_shell() -> None:
    found = []
    for name, (_, tree) in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "shell" and not isinstance(node.value, ast.Name):
                constant = isinstance(node.value, ast.Constant) and node.value.value is True
                found += [f"{name}:{node.value.lineno}"] if constant else []
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.system", "os.popen"}:
                found.append(f"{name}:{node.lineno}")
    assert found == []


# -- errors ------------------------------------------------------------------------------------------


def test_every_code_in_the_package_is_in_the_catalogue() -> None:
    used = {
        (name, code)
        for name, (path, _) in sources().items()
        for code in re.findall(r"LFCI[0-9]{3}\b", path.read_text())
    }
    for hook in sorted((PACKAGE.parent / "hooks").iterdir()):
        used |= {(hook.name, code) for code in re.findall(r"LFCI[0-9]{3}\b", hook.read_text())}
    assert {(name, code) for name, code in used if code not in CODES} == set()


def test_every_entry_of_the_catalogue_says_what_why_and_what_next() -> None:
    for code, entry in CODES.items():
        assert re.fullmatch(r"LFCI[1-5][0-9]{2}", code)
        assert all(text and text.isascii() and "\n" not in text for text in entry), code
        assert not entry.title.endswith("."), code
        assert entry.cause.endswith("."), code


def test_only_the_outermost_layer_exits() -> None:
    allowed = {"gate.receive"}
    found = []
    for name, (_, tree) in sources().items():
        if room(name) in {"cli", "__main__"} or name in allowed:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "sys.exit",
                "exit",
                "quit",
                "os._exit",
                "print",
            }:
                found.append(f"{name}:{node.lineno}: {ast.unparse(node.func)}")
    assert found == []


# -- size ----------------------------------------------------------------------------------------------

MODULE_LINES = 320
FUNCTION_LINES = 60
LONGER = {
    "codes": 700,  # a table
    "model": 520,  # a vocabulary
    "gate.rules": 450,  # the fifteen rules, read in their order
}


def test_modules_and_functions_hold_one_idea() -> None:
    """The house's aim is 250 and 40 lines; these are the limits that nothing passes without a reason."""
    long = []
    for name, (path, tree) in sources().items():
        lines = len(path.read_text().splitlines())
        if lines > LONGER.get(name, MODULE_LINES):
            long.append(f"{name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                size = node.end_lineno - node.body[0].lineno + 1
                if size > FUNCTION_LINES:
                    long.append(f"{name}.{node.name}: {size} lines")
    assert long == []
