"""A fixed part of the attacks, in `make test`: those marked ``quick``, with few variations of each.

All over git daemon; every sixth also over ssh or http; some with the instrumented gate, whose second opinions
must agree and whose recorded cases must replay to the same words. `make attacks` runs all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks import replay
from tests.attacks.kit import TARGETS, Outcome, perform
from tests.attacks.runner import load, names, second_transport
from tests.attacks.world import World, make_world

QUICK = [name for name in names() if load(name).ATTACK.quick]
ELSEWHERE = QUICK[::6]
INSTRUMENTED = [name for name in QUICK if not name.startswith("i_")][3::9]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("attacks")) as made:
        yield made


def fended_off(outcome: Outcome) -> None:
    assert outcome.ok, f"{outcome.verdict}\n{outcome.detail}"


def mounted(name: str, world: World, transport: str, told: dict[str, Any] | None = None) -> Outcome:
    module = load(name)
    # Processor time is what the hook takes by itself; how busy the machine is must not fail a test.
    return perform(
        name, module.ATTACK, module.mount, world, TARGETS["lfci"], transport,
        bound="cpu", quick=True, instrument=told,
    )  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_it_is_fended_off(name: str, world: World) -> None:
    fended_off(mounted(name, world, "daemon"))


@pytest.mark.parametrize("name", ELSEWHERE)
def test_over_ssh_or_http(name: str, world: World) -> None:
    fended_off(mounted(name, world, second_transport(name)))


@pytest.mark.parametrize("name", INSTRUMENTED)
def test_second_opinions_agree_and_cases_replay(name: str, world: World, tmp_path: Path) -> None:
    told = {"name": name, "opinions": True, "record": str(tmp_path)}
    outcome = mounted(name, world, "daemon", told)
    fended_off(outcome)
    assert outcome.asked > 10
    cases = [replay.load(path) for path in tmp_path.glob("*.case")]
    assert cases
    assert not list(filter(None, map(replay.differs, cases)))
    refused = {code for case in cases if case.verdict for code in replay.codes_of(case.verdict)[1]}
    # What git itself refuses never gets as far as the gate, and there is no case of it.
    assert refused >= set(outcome.codes) - {"git"}
