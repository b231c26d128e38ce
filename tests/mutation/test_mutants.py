"""The campaign's own parts: a change is where it says it is, and is noticed by whoever looks there."""

from __future__ import annotations

import ast
import functools
import gc
import os
from pathlib import Path

import pytest

import lfci_gate.gate.rules as rules
from lfci_gate.attest import bundle, shape
from lfci_gate.model import RefUpdate, VerdictKind
from tests.mutation.mutants import Mutant, mutants_of, put, within
from tests.mutation.reach import lines_of
from tests.mutation.rules import rule_of
from tests.mutation.scope import MODULES
from tests.support.memory_forge import MAIN, MemoryForge, started

RULES = "lfci_gate.gate.rules"
SOURCE = Path(rules.__file__ or "")


@functools.cache
def mutants() -> tuple[Mutant, ...]:
    return tuple(mutants_of(RULES))


def deletion(forge: MemoryForge) -> RefUpdate:
    return RefUpdate(MAIN, forge.refs[MAIN], None)


def the_check(code: str) -> Mutant:
    """Taking out the only raise of a code."""
    (found,) = (each for each in mutants() if each.operator == "raise dropped" and code in each.was)
    return found


def kind_with(mutant: Mutant | None) -> str:
    """The verdict about a deletion of main, from a process of its own that has the change."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            forge = started()
            if mutant is not None:
                put(mutant)
            os.write(write, forge.judge(deletion(forge)).kind.value.encode())
        except BaseException as error:  # noqa: BLE001 - the child must never go on as pytest
            os.write(write, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(write)
    said = os.read(read, 100).decode()
    os.close(read)
    os.waitpid(pid, 0)
    return said


def test_a_check_that_is_taken_out_is_missed_and_only_in_that_process() -> None:
    assert kind_with(None) == VerdictKind.REFUSED.value
    assert kind_with(the_check("LFCI207")) != VerdictKind.REFUSED.value
    assert kind_with(None) == VerdictKind.REFUSED.value


def test_functions_made_before_the_change_have_it_too() -> None:
    """The shapes of evidence are made while their modules are imported."""
    made = shape.nullable(shape.integer(1, 2))
    (mutant,) = (
        each
        for each in mutants_of(shape.__name__)
        if each.function == "integer" and each.operator == "raise dropped"
    )
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            gc.freeze()  # as the campaign does
            put(mutant)
            os.write(write, repr(made(3)).encode())
        except BaseException as error:  # noqa: BLE001 - the child must never go on as pytest
            os.write(write, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 100) == b"3"
    os.close(read)
    os.waitpid(pid, 0)
    with pytest.raises(shape.Mismatch):
        made(3)


@pytest.mark.parametrize("module", [bundle, shape], ids=["bundle", "shape"])
def test_every_change_of_a_function_within_another_can_be_put_into_one_that_is_there(module) -> None:
    changes = 0
    for mutant in mutants_of(module.__name__):
        was = getattr(module, mutant.function).__code__ if "." not in mutant.function else mutant.code
        for code, other in within(was, mutant.code):
            assert code.co_freevars == other.co_freevars, mutant.key
            changes += code.co_name == "shape" and code.co_code != other.co_code
    assert changes > 10


def test_every_raise_and_every_guard_of_the_rules_is_a_check() -> None:
    tree = ast.parse(SOURCE.read_text())
    raises = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    guards = [
        node.body[0].lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise)
    ]
    checks = [each for each in mutants() if each.is_check]
    assert sorted(raises) == sorted(each.line for each in checks if each.operator == "raise dropped")
    assert set(guards) <= {each.line for each in checks if each.operator == "never"}


def test_a_bound_that_lies_one_further_is_no_check_taken_out() -> None:
    operators = {each.operator for each in mutants() if not each.is_check}
    assert "GtE" in operators
    assert not operators & {"raise dropped", "effect dropped", "assignment dropped"}


def test_who_runs_a_line_is_known() -> None:
    forge = started()
    with lines_of({str(SOURCE)}) as reached:
        forge.judge(deletion(forge))
    assert {(str(SOURCE), line) for line in the_check("LFCI207").lines} <= reached
    assert not {(str(SOURCE), line) for line in the_check("LFCI408").lines} & reached


def test_every_module_has_its_place_in_the_table() -> None:
    for module in MODULES:
        mutant = Mutant(
            module, "f", 1, (1,), "never", "", test_every_module_has_its_place_in_the_table.__code__
        )
        assert rule_of(mutant)
