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
    approved = mara.lfci("approve", "origin/review", "--tests", "--reason", "two was one")
    assert approved.status == 0, approved.text
    assert "the whole change, vanished tests included" in approved.out

    landed = ada.lfci("land")
    assert landed.status == 0, landed.text
    assert forge.refs()["refs/heads/main"] == commit
    assert ada.lfci("verify", "--format", "json").json["result"] == "accepted"
