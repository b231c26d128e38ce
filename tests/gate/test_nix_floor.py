"""Rule 10, the floor of Nix: other implementations count otherwise, so none of them meets it."""

from __future__ import annotations

import pytest

from tests.gate.test_rules_04_to_12 import SOURCE, outcome, rule
from tests.support.memory_forge import MemoryForge, started


@pytest.fixture
def forge() -> MemoryForge:
    return started()


def test_rule_10_only_nix_meets_a_floor_of_nix(forge: MemoryForge) -> None:
    forge.server_policy = rule(nix={"minimum": "2.18"})
    for name, version, expected in (
        ("nix", "2.34.8", set()),
        ("lix", "2.95.3", {"LFCI109"}),
        ("determinate", "2.34.8", {"LFCI109"}),
        ("nixx", "9.0", {"LFCI109"}),
        ("nix", "2.17", {"LFCI109"}),
    ):
        commit = forge.commit(SOURCE)
        run = forge.run(commit, nix_name=name, nix_version=version)
        assert outcome(forge, run, commit=commit) == expected, name


def test_rule_10_without_a_floor_any_implementation_counts(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    run = forge.run(commit, nix_name="lix", nix_version="2.90.0")
    assert outcome(forge, run, commit=commit) == set()


def test_rule_10_versions_are_compared_number_by_number(forge: MemoryForge) -> None:
    """What cannot be read as a number ends a version, and never makes it higher."""
    forge.server_policy = rule(nix={"minimum": "2.18.5"})
    commit = forge.commit(SOURCE)
    strong = ("2.18.5", "2.18.5pre1", "2.18.10", "2.18.999999", "2.19", "3", "10.0")
    weak = ("2.18", "2.18.4", "2.18.4.9", "2.18pre.9", "2.18..9", "2.18.1000000", "2.9.9", "0", "0.0", "x")
    for version in (*strong, *weak):
        found = outcome(forge, forge.run(commit, nix_version=version), commit=commit)
        assert found == (set() if version in strong else {"LFCI109"}), version
