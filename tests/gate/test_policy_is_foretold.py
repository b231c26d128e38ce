"""What `lfci policy check` says of a proposal is what a real gate says when it is pushed."""

from __future__ import annotations

import io
import os
import re

import pytest

from lfci_gate import cli
from lfci_gate.config.policy import parse_policy
from tests.support.forge import RULE, Developer, policy_text
from tests.support.policies import line

POLICY = ".lfci/policy.toml"


def lfci(clone: Developer, *words: str) -> tuple[int, str]:
    """The program in the clone, as it knows the forge after a fetch; its status and all that it says."""
    clone.repo.git("fetch", "-q", "origin", "main:refs/remotes/origin/main")
    out = io.StringIO()
    status = cli.run(words, environ=os.environ, directory=clone.repo.path, stdout=out, stderr=out)
    return status, out.getvalue()


BAD = {
    "the same version": policy_text(rules=({**RULE, "max-age": "1d"},)),
    "another repository": policy_text(version=2, repository="00000000-0000-4000-8000-000000000000"),
    "no rule for main": policy_text(version=2, rules=({**RULE, "refs": ["refs/heads/other"]},)),
    "nobody could meet it": policy_text(
        version=2, rules=({**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 3}]},)
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_proposal_is_refused_with_the_code_that_was_foretold(guest: Developer, what: str) -> None:
    guest.edit({POLICY: BAD[what]})
    status, said = lfci(guest, "policy", "check")
    [code] = set(re.findall(r"\[(LFCI\d+)\]", said))
    assert status == 1
    tip = guest.repo.line("rev-parse", "HEAD")
    before = guest.forge.refs()["refs/heads/main"]
    guest.refused(code, "origin", "main", guest.evidence(tip), *guest.approvals(tip, before))


def test_an_edit_that_can_land_lands_with_the_approval_that_was_named(ada: Developer) -> None:
    before = ada.forge.refs()["refs/heads/main"]
    status, said = lfci(ada, "policy", "edit", "key", "add", "ci", "--public", line(50), "--role", "agent")
    assert status == 0
    assert "needs the approval of 1 identity with the role maintainer (now: maintainer)" in said
    tip = ada.edit()
    assert lfci(ada, "policy", "check")[0] == 0
    ada.refused("LFCI206", "origin", "main", ada.evidence(tip))
    ada.lands("origin", "main", ada.evidence(tip), *ada.approvals(tip, before))
    status, said = lfci(ada, "policy", "show")
    assert (status, "Policy version 2, origin/main" in said) == (0, True)
    landed = parse_policy(ada.forge.repo.git("show", f"main:{POLICY}"))
    assert "ci" in {key.name for key in landed.keys}


@pytest.mark.parametrize(
    "ref", ["refs/heads/Main", "refs/heads/main/x", "refs/heads/release", "refs/tags/main"]
)
def test_a_name_that_was_foretold_to_be_refused_is(guest: Developer, ref: str) -> None:
    status, said = lfci(guest, "policy", "explain-ref", ref)
    assert status == 0
    assert "[LFCI211]" in said
    guest.refused("LFCI211", "origin", f"HEAD:{ref}")
