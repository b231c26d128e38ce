"""Failures that the base has in quarantine, with real runs: what the client says and does with them.

What the gate does is in tests/gate/test_quarantine.py.
"""

from __future__ import annotations

import pytest

from lfci_gate.model import Outcome
from tests.clone.conftest import Worker, save_key
from tests.clone.test_flaky import SUITE
from tests.clone.test_land import landed, random_bytes, tip
from tests.clone.test_real_runs import inbox
from tests.gate.conftest import Farm
from tests.support.forge import AGENT, RULE, Developer, policy_text
from tests.support.world import World, project_flake

pytestmark = pytest.mark.nix

CONFIG = b"""\
version = 1
[checks.test]
run = "python3 suite.py || [ $? = 1 ]"
report = { format = "junit", path = "junit.xml" }
failures = "report"
inputs = ["suite.py", "setting"]
"""


def entry(test: str, year: int = 2999) -> bytes:
    return (
        f'[[quarantine]]\ncheck = "test"\ntest = "{test}"\nreason = "known"\nuntil = {year}-01-01T00:00:00Z\n'
    ).encode()


@pytest.fixture(scope="module")
def project(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """A clone of a forge that has the test `broken1` in quarantine, and `broken2` until long ago."""
    place = tmp_path_factory.mktemp("quarantine")
    nix, lock = project_flake(world)
    require = [{**RULE["require"][0], "quarantine": "allow"}]
    policy = policy_text(rules=({**RULE, "require": require, "protect": []},))
    worker = Worker(Developer(place / "clone", farm.empty(policy)), save_key(AGENT, place / "key"))
    worker.edit(
        {
            ".lfci/config.toml": CONFIG + entry("broken1") + entry("broken2", 2001),
            ".lfci/policy.toml": policy,
            "flake.nix": nix.encode(),
            "flake.lock": lock.encode(),
            "suite.py": SUITE.replace(b'os.listdir("tests")', b"[]"),
            "setting": b"steady",
        },
        "first",
    )
    landed(worker)
    return worker


def choose(project: Worker, tests: str, config: bytes | None = None) -> None:
    project.repo.git("reset", "-q", "--hard", "origin/main")
    files = {"setting": f"{tests} {random_bytes().hex()}".encode()}
    project.edit(files | ({} if config is None else {".lfci/config.toml": config}))


def test_a_failure_in_quarantine_is_no_pass_and_lands(project: Worker) -> None:
    choose(project, "steady broken")
    shown = project.lfci("check")
    assert shown.status == 0, shown.text
    assert shown.out.startswith(
        "test: failed, 1 test passed, 1 failed, 0 skipped, in quarantine on the base: broken1, "
    )
    assert "error" not in shown.err
    [run] = [each for each in inbox(project).values() if each.source_tree == project.head("HEAD^{tree}")]
    assert (run.result, run.exit_code, run.tests and run.tests.failed) == (Outcome.FAILED, 0, 1)
    # It is known from now on, and named for what it is.
    answer = project.lfci("check", "--format", "json").json
    [check] = answer["checks"]
    assert (answer["result"], check["result"], check["known"], check["quarantined"]) == (
        "QUARANTINED",
        "FAILED",
        True,
        ["broken1"],
    )
    assert project.lfci("check").out.startswith(
        "test: failed, 1 test passed, 1 failed, 0 skipped, in quarantine"
    )
    shown = project.lfci("land", "--format", "json")
    assert (shown.status, shown.json["checks"][0]["quarantined"]) == (0, ["broken1"]), shown.text
    named = "QUARANTINE: check test FAILED, and counts: in quarantine on the base: broken1"
    assert f"warning: {named}" in shown.err
    assert tip(project) == project.head()
    project.repo.git("fetch", "-q")
    shown = project.lfci("verify")
    assert shown.status == 0, shown.text
    assert named in shown.text
    assert "1 failed in quarantine" in shown.text


@pytest.mark.parametrize(
    ("tests", "config"),
    [
        ("steady broken broken", None),  # the second one's quarantine has ended
        ("steady steady steady broken", None),  # of another name
        ("broken", CONFIG + entry("broken0")),  # the change's own
        ("steady broken", CONFIG.replace(b"|| [ $? = 1 ]", b"") + entry("broken1")),  # status 1
        ("steady broken", CONFIG.replace(b'failures = "report"\n', b"")),  # a status that nobody explains
    ],
)
def test_any_other_failure_is_one(project: Worker, tests: str, config: bytes | None) -> None:
    choose(project, tests, config)
    before = tip(project)
    shown = project.lfci("check")
    assert shown.status in (1, 3), shown.text
    assert "quarantine" not in shown.out
    assert any(f"error[{code}]" in shown.err for code in ("LFCI307", "LFCI312"))
    if tests == "steady broken broken":  # once is enough: it is the same answer
        shown = project.lfci("land")
        assert shown.status == 1, shown.text
        assert "error[LFCI307]" in shown.err
    assert tip(project) == before


def test_what_is_not_to_be_attested_is_told_the_same_way(project: Worker) -> None:
    choose(project, "steady broken steady")
    shown = project.lfci("check", "--no-attest", "--format", "json")
    assert shown.status == 0, shown.text
    assert (shown.json["result"], shown.json["checks"][0]["attestation"]) == ("QUARANTINED", None)
