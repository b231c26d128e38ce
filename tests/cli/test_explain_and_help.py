"""`lfci explain` and `lfci help`: every text is there, fits, and its examples are true."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from lfci_gate.cli.help import TOPICS
from lfci_gate.codes import CODES
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from tests.cli.conftest import Run


@pytest.mark.parametrize("text", ["104", "LFCI104", "lfci104", " 104 "])
def test_a_code_in_any_spelling(here: Run, text: str) -> None:
    shown = here("explain", text)
    assert shown.status == 0
    assert shown.out.startswith("LFCI104: the attestation is of another tree\n")


def test_explain_as_a_screen(here: Run, screen) -> None:
    screen("explain", here("explain", "104").out)


def test_every_code_is_explained(here: Run) -> None:
    for code, entry in CODES.items():
        found = here("explain", code, "--format", "json").json
        assert found == {"schema": "lfci.explain/1", "code": code, **entry._asdict()}


def test_without_a_code_all_are_listed(here: Run) -> None:
    shown = here("explain")
    assert shown.status == 0
    assert all(f"  {code} {entry.title}\n" in shown.out for code, entry in CODES.items())


@pytest.mark.parametrize("text", ["999", "LFCI", "1045", "LFCI1O4", "", "--", "LFCI104x"])
def test_no_code_is_lfci514(here: Run, text: str) -> None:
    shown = here("explain", "--", text)
    assert shown.status == 2
    assert "error[LFCI514]" in shown.err


# -- help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_a_short_text(here: Run, topic: str) -> None:
    shown = here("help", topic)
    assert shown.status == 0
    lines = shown.out.splitlines()
    assert 10 <= len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert f"lfci help {topic} " in here("help").out


def test_no_topic_is_lfci514(here: Run) -> None:
    shown = here("help", "nonsense")
    assert shown.status == 2
    assert shown.err.startswith("error[LFCI514]: there is no topic nonsense\n  topics: flake, ")


def example(text: str, start: str) -> str:
    """The indented block of a text that begins with the line ``start``."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  " + start))
    block = []
    for line in lines[first:]:
        if line and not line.startswith("  "):
            break
        block.append(line)
    return textwrap.dedent("\n".join(block))


def test_the_configuration_that_help_shows_is_one(here: Run) -> None:
    config = parse_project(example(here("help", "checks").out, "version").encode())
    assert [check.name for check in config.checks] == ["package", "test"]


def test_the_policy_that_help_shows_is_one(here: Run) -> None:
    policy = parse_policy(example(here("help", "policy").out, "version").encode())
    assert [key.name for key in policy.keys] == ["agent-7"]


def test_the_flake_that_help_shows_is_nix(here: Run, tmp_path: Path) -> None:
    text = example(here("help", "flake").out, "{")
    done = subprocess.run(
        ["nix-instantiate", "--parse", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "devShells" in done.stdout
