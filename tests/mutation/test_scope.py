"""Every module of the rooms that decide is mutated, or left out with a reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.mutation.mutants import names_of
from tests.mutation.scope import LEFT_OUT, MODULES, ROOMS, TESTS

CHECKOUT = Path(__file__).resolve().parents[2]


def test_every_module_is_in_the_campaign_or_left_out_with_a_reason() -> None:
    found = {
        f"lfci_gate.{room}.{path.stem}" for room in ROOMS for path in CHECKOUT.glob(f"lfci_gate/{room}/*.py")
    }
    in_rooms = {name for name in MODULES if name.rpartition(".")[0] != "lfci_gate"}
    missing = sorted(found - in_rooms - set(LEFT_OUT))
    assert not missing, f"add to MODULES, or with a reason to LEFT_OUT, of tests/mutation/scope.py: {missing}"
    assert in_rooms <= found, "tests/mutation/scope.py names modules that are not there"
    assert not in_rooms & set(LEFT_OUT), "either mutated or left out"
    assert all(LEFT_OUT.values())


def test_what_rules_py_calls_in_its_own_room_is_in_the_campaign() -> None:
    """Also by an import inside of a function: few pushes pay for some rules."""
    import ast

    waiting, reached = ["rules"], set()
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for node in ast.walk(ast.parse((CHECKOUT / f"lfci_gate/gate/{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lfci_gate.gate."):
                waiting.append((node.module or "").removeprefix("lfci_gate.gate."))
    assert {f"lfci_gate.gate.{name}" for name in reached - {"facts"}} <= set(MODULES)


def test_the_tests_are_there_and_named_once() -> None:
    assert len(set(TESTS)) == len(TESTS)
    assert not [name for name in TESTS if not (CHECKOUT / name).is_file()]
    assert len(set(MODULES)) == len(MODULES)


def test_what_is_explained_is_a_change_that_is_tried() -> None:
    """An explanation of code that is gone explains nothing; and none is without a reason."""
    text = tomllib.loads(Path(__file__).with_name("explained.toml").read_text())
    groups = [group for table in text.values() for group in table]
    assert set(text) <= {"survivor", "unattacked"}
    assert all(len(group["why"]) > 20 for group in groups)
    mutants = {name for group in groups for name in group.get("mutants", ())}
    functions = {name for group in groups for name in group.get("functions", ())}
    by_module: dict[str, set[str]] = {}
    for name in mutants | functions:
        module, function = name.split(": ")[0].split(":")
        by_module.setdefault(module, set()).add(function)
    assert set(by_module) <= set(MODULES)
    there: set[str] = set()
    for module, names in by_module.items():
        there |= names_of(module, names)
    assert not sorted(mutants - there)
    assert functions <= {key.split(": ")[0] for key in there}
