"""Some hundred pushes, drawn; the gate's answer must be what the facts of the model say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.properties import campaign, switches
from tests.properties.player import Stage

PUSHES = 300
FIRST_SEED = 1


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with campaign.stage_at(tmp_path_factory.mktemp("pushes")) as made:
        yield made


def test_every_push_is_judged_as_the_facts_say(stage: Stage) -> None:
    campaign.run(stage, FIRST_SEED, PUSHES)
    found = stage.statistics
    print("\n".join(found.lines()))
    assert found.pushes >= PUSHES
    # What was tried is of both kinds, and refused for many reasons; few answers were left open.
    assert 0.4 <= found.accepted / found.pushes <= 0.85
    assert len(campaign.FORETOLD & set(found.codes)) >= 22
    assert found.over_the_wire >= 10
    assert found.either <= found.pushes // 20


def test_codes_that_are_foretold_are_in_the_catalogue() -> None:
    from lfci_gate.codes import CODES

    assert set(CODES) >= campaign.FORETOLD


@pytest.mark.parametrize(
    "name",
    ["LFCI101 is never said", "nothing is protected but the policy", "a note keeps its first line only"],
)
def test_a_rule_that_is_off_is_noticed(tmp_path: Path, name: str) -> None:
    """A few; the campaign tries them all."""
    with campaign.stage_at(tmp_path, over_the_wire=False) as stage:
        assert switches.noticed_after(stage, name, FIRST_SEED, 150) is not None
