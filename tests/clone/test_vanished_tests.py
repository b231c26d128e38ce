"""Rule 14 over real transport: fewer tests land only when somebody approves the whole change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lfci_gate.model import ResultDocument, TestCase
from tests.clone.conftest import NARROW, Farm, Worker
from tests.support.forge import MAINTAINER, RULE, Developer, first_landing, policy_text

FEWER = ResultDocument("test", 0, (TestCase("t::one", "passed"),), ())


def test_fewer_tests_land_with_an_approval_of_the_whole_change(
    farm: Farm, tmp_path: Path, clone_of: Callable[..., Worker]
) -> None:
    policy = policy_text(rules=(RULE | {"tests": {"removed": "approval"}},))
    forge = farm.empty(policy)
    first_landing(Developer(tmp_path / "first", forge), policy, NARROW)
    ada, mara = clone_of(forge, "ada"), clone_of(forge, "mara", MAINTAINER)

    commit = ada.edit({"src/lib.py": b"answer = 44\n"})
    ada.attest(document=FEWER)
    before = forge.state()
    refused = ada.lfci("land")
    assert refused.status == 1
    assert "error[LFCI213]: 1 test of check test passed on the base" in refused.err
    assert "t::two" in refused.err
    assert f"lfci approve {commit[:12]} --tests" in refused.err
    assert forge.state() == before

    ada.repo.git("push", "-q", "--no-verify", "origin", "HEAD:refs/heads/review")
    mara.repo.git("fetch", "-q", "origin")
    without = mara.lfci("approve", "origin/review")
    assert "nothing to approve" in without.out
    unseen = mara.lfci("approve", "origin/review", "--tests", "--dry-run")
    line = (
        "  check test: which tests vanish is not known: no result of this change is here "
        "(who made it: lfci attestation send)"
    )
    assert line in unseen.err.splitlines()

    # The evidence may go ahead of the change, for whoever is to approve it.
    assert ada.lfci("attestation", "send").status == 0
    seen = mara.lfci("approve", "origin/review", "--tests", "--dry-run")
    assert seen.err.splitlines() == [
        f"{commit[:12]} for main, compared with {mara.head('origin/main')[:12]}:",
        "the whole change, so that tests may vanish (needs maintainer):",
        "  changed  src/lib.py",
        "tests:",
        "  check test: removed: t::two",
    ]
    approved = mara.lfci("approve", "origin/review", "--tests", "--reason", "two was one")
    assert approved.status == 0, approved.text
    assert "the whole change, vanished tests included" in approved.out
    answer = mara.lfci("approve", "origin/review", "--tests", "--dry-run", "--format", "json").json
    assert answer["tests"] == ["check test: removed: t::two"]

    landed = ada.lfci("land")
    assert landed.status == 0, landed.text
    assert forge.refs()["refs/heads/main"] == commit
    assert ada.lfci("verify", "--format", "json").json["result"] == "accepted"
    note = forge.note("refs/notes/lfci-landed", commit).decode()
    assert "approved: check test: removed: t::two\n" in note


def test_tests_of_a_file_that_moved_land_without_anybody(
    farm: Farm, tmp_path: Path, clone_of: Callable[..., Worker]
) -> None:
    policy = policy_text(rules=(RULE | {"tests": {"removed": "refuse"}, "protect": []},))
    forge = farm.empty(policy)
    config = NARROW.replace(b'"src/"', b'"src/", "*/*.py"')
    first_landing(Developer(tmp_path / "first", forge), policy, config)
    ada = clone_of(forge, "ada")
    ada.edit({"src/lib.py": b"answer = 43\n"})
    ada.attest(document=document("tests.test_lib::test_answer"))
    assert ada.lfci("land").status == 0

    ada.repo.git("mv", "tests", "qa")
    commit = ada.edit({})
    ada.attest(document=document("qa.test_lib::test_question"))
    refused = ada.lfci("land")
    assert "removed: tests.test_lib::test_answer" in refused.err
    assert "restore the tests: the policy lets none vanish" in refused.err

    commit = ada.edit({"src/lib.py": b"answer = 44\n"})
    ada.attest(document=document("qa.test_lib::test_answer"))
    landed = ada.lfci("land")
    assert landed.status == 0, landed.text
    note = forge.note("refs/notes/lfci-landed", commit).decode()
    assert "check test: renamed: tests.test_lib::test_answer -> qa.test_lib::test_answer\n" in note


def document(*ids: str) -> ResultDocument:
    names = sorted(("t::one", "t::two", *ids))
    return ResultDocument("test", 0, tuple(TestCase(each, "passed") for each in names), ())
