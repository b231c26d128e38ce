"""`lfci runner init`: what it writes can be used as it is, and systemd agrees."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate import cli, resources
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.runner import parse_runner
from lfci_gate.runner.place import load_config
from tests.clone.conftest import Screen
from tests.support.evidence import REPOSITORY
from tests.support.forge import policy_text

Run = Callable[..., Screen]


@pytest.fixture
def lfci(tmp_path: Path) -> Run:
    import io

    def run(*words: str) -> Screen:
        out, err = io.StringIO(), io.StringIO()
        status = cli.run(words, environ=dict(os.environ), directory=tmp_path, stdout=out, stderr=err)
        return Screen(status, out.getvalue(), err.getvalue())

    return run


def test_a_runner_from_nothing(lfci: Run, tmp_path: Path) -> None:
    place = tmp_path / "etc"
    shown = lfci("runner", "init", str(place), "--repository", REPOSITORY, "--name", "runner-1")
    assert shown.status == 0, shown.text
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.iterdir()}
    assert modes == {
        "key": 0o600, "key.pub": 0o644, "lfci-runner.service": 0o644, "policy-rules.toml": 0o644,
        "runner.toml": 0o640,
    }  # fmt: skip
    config = load_config(place / "runner.toml")
    assert config.name == "runner-1"
    assert [each.id for each in config.repositories] == [REPOSITORY]
    line = (place / "key.pub").read_text().split()[1]
    assert line in (place / "runner.toml").read_text()
    assert f"lfci policy edit key add runner-1 --public 'ssh-ed25519 {line}" in shown.out
    assert "PRIVATE" not in shown.text
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    again = lfci("runner", "init", str(place), "--repository", REPOSITORY)
    assert (again.status, "error[LFCI524]" in again.err) == (2, True)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    for words in (("--repository", "x"), ("--repository", REPOSITORY, "--user", "a b"),
                  ("--repository", REPOSITORY, "--name", "a\nb")):  # fmt: skip
        bad = lfci("runner", "init", str(tmp_path / "other"), *words)
        assert (bad.status, "error[LFCI514]" in bad.err) == (2, True), bad.text
    assert not (tmp_path / "other").exists()


def test_the_example_rules_are_a_policy_that_can_be_met() -> None:
    rules = tomllib.loads((resources.templates() / "runner/policy-rules.toml").read_text())["rules"]
    keys = tomllib.loads(policy_text().decode())["keys"]
    keys["agent"]["roles"] = ["agent"]
    keys["second-agent"]["roles"] = ["runner"]
    policy = parse_policy(policy_text(rules=tuple(rules), keys=keys))
    assert [rule.require[0].roles for rule in policy.rules] == [("runner",), ("agent", "runner")]


def test_systemd_takes_the_unit_and_finds_it_hardened(lfci: Run, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.fail("systemd-analyze is not installed (package systemd): the unit cannot be tried")
    place = tmp_path / "etc"
    assert lfci("runner", "init", str(place), "--repository", REPOSITORY, "--user", "daemon",
                "--group", "daemon").status == 0  # fmt: skip
    unit = place / "lfci-runner.service"
    text = unit.read_text()
    assert f"StandardInput=file:{place}/key" in text
    parse_runner((place / "runner.toml").read_bytes())
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    # Others' units of this machine may have faults; this one may not.
    said = [line for line in verified.stderr.splitlines() if "lfci-runner" in line]
    assert (verified.returncode, said) == (0, []), verified.stderr
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", rated.stdout)
    assert found is not None, rated.stdout + rated.stderr
    assert float(found[1]) <= 2.5, rated.stdout
