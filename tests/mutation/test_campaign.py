"""The campaign itself, on code and tests of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """\
def count(most: int) -> int:
    number = 0
    while number < most:
        number += 1
    return number


def sign(number: int) -> str:
    return "plus" if number > 0 else "minus"


def alone(number: int) -> int:
    return number + 1
"""
TESTS = """\
import time
from code_under_change import count, sign

def test_counts():
    assert count(3) == 3 and count(0) == 0

def test_reaches_it_and_looks_away():
    sign(1)

def test_looks_at_it_and_is_slower():
    time.sleep(0.2)
    assert sign(1) == "plus" and sign(-1) == "minus"
"""
RUN = """\
import json, sys
import pytest
import code_under_change
from tests.mutation.campaign import Campaign, Settings

most, known = int(sys.argv[1]), sys.argv[2]
explained = lambda mutants: frozenset(each.key for each in mutants if known in each.key)
campaign = Campaign(Settings(("code_under_change",), 1, tests_of_a_mutant=most, explained=explained))
words = ["-p", "no:cacheprovider", "--rootdir", ".", "-c", "/dev/null", "test_it.py"]
pytest.main(words, plugins=[campaign])
assert not campaign.problem, campaign.problem
results = campaign.results
names = {name: sorted(f"{m.function}: {m.operator}" for m in getattr(results, name))
         for name in ("killed", "survived", "unreached")}
open("answers.json", "w").write(json.dumps(names))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "code_under_change.py").write_text(CODE)
    (tmp_path / "test_it.py").write_text(TESTS)
    return tmp_path


def campaign(place: Path, most: int, explained: str = "nothing") -> dict[str, list[str]]:
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", RUN, str(most), explained]
    env = {"PYTHONPATH": f"{place}:{root}", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    answers: dict[str, list[str]] = json.loads((place / "answers.json").read_text())
    return answers


def test_each_change_is_noticed_or_not_as_it_must_be(place: Path) -> None:
    answers = campaign(place, most=400)
    # No test has the number 0.
    assert answers["survived"] == ["sign: GtE"]
    assert answers["unreached"] == ["alone: Sub", "alone: number + 1", "alone: returns None"]
    # Without it the loop never ends: a bound of processor time notices.
    assert "count: assignment dropped" in answers["killed"]
    assert {"sign: always", "sign: never", "sign: condition turned", "sign: LtE"} <= set(answers["killed"])


def test_what_survives_the_first_tests_is_tried_by_all_unless_it_is_explained(place: Path) -> None:
    assert campaign(place, most=1)["survived"] == ["sign: GtE"]
    assert campaign(place, most=1, explained="sign: never")["survived"] == ["sign: GtE", "sign: never"]
