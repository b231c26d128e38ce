"""The first policy of a forge, and a policy that moves from the repository to the server and back, step by
step as docs/operator-guide.md says, over git daemon; and what the versions do where a step is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.gate.conftest import Farm
from tests.support.forge import AGENT, RULE, Developer, first_commit, policy_text

POLICY = ".lfci/policy.toml"
NOTHING_ASKED: dict[str, Any] = {**RULE, "require": []}


def propose(developer: Developer, policy: bytes) -> list[str]:
    """A commit with this policy on the tip of main, and refspecs of all that it needs."""
    developer.start()
    base = developer.repo.line("rev-parse", "HEAD")
    developer.edit({POLICY: policy})
    server = developer.forge.path / "lfci/server-policy.toml"
    named = developer.forge.git.config("lfci.policy") is not None
    approvals = developer.approvals("HEAD", base, policy=server.read_bytes() if named else None)
    return ["origin", "main", developer.evidence("HEAD"), *approvals]


def change(developer: Developer) -> list[str]:
    developer.start()
    developer.edit()
    return ["origin", "main", developer.evidence("HEAD")]


def test_from_the_repository_to_the_server_and_back(farm: Farm, tmp_path: Path) -> None:
    ada = farm.project(tmp_path / "ada")
    forge = ada.forge
    ada.lands(*propose(ada, policy_text(version=3)))
    # To the server: a file of at least the landed version. An older one is a rollback.
    forge.set_policy(policy_text(version=2))
    refused = ada.refused("LFCI203", *change(ada))
    assert "highest version seen: 3" in refused.output
    (forge.path / "lfci/server-policy.toml").write_bytes(forge.repo.git("show", f"HEAD:{POLICY}"))
    ada.lands(*change(ada))
    # From now on the file in the repository judges nothing, and has its own line of versions.
    ada.refused("LFCI204", *propose(ada, policy_text(version=3, rules=(NOTHING_ASKED,))))
    ada.lands(*propose(ada, policy_text(version=4, rules=(NOTHING_ASKED,))))
    ada.start()
    ada.edit()
    ada.refused("LFCI101", "origin", "main")
    # Back: what has landed is not older than the server's, so it can take over.
    forge.repo.git("config", "--unset", "lfci.policy")
    ada.lands("origin", "main")


def test_back_to_the_repository_with_an_older_file(farm: Farm, tmp_path: Path) -> None:
    ada = farm.project(tmp_path / "ada")
    forge = ada.forge
    forge.set_policy(policy_text(version=9))
    ada.lands(*change(ada))
    forge.repo.git("config", "--unset", "lfci.policy")
    refused = ada.refused("LFCI203", *change(ada))
    assert "found: 1" in refused.output
    ada.refused("LFCI203", *propose(ada, policy_text(version=10)))  # nothing can mend it from outside
    # On the server again; then the file that is to take over lands first.
    forge.repo.git("config", "lfci.policy", "lfci/server-policy.toml")
    ada.lands(*propose(ada, policy_text(version=9)))
    forge.repo.git("config", "--unset", "lfci.policy")
    ada.lands(*change(ada))
    # From here on the project governs itself again.
    ada.refused("LFCI204", *propose(ada, policy_text(version=9, rules=(NOTHING_ASKED,))))
    ada.lands(*propose(ada, policy_text(version=10)))


def test_a_server_s_policy_of_another_repository(farm: Farm, tmp_path: Path) -> None:
    ada = farm.project(tmp_path / "ada")
    ada.lands(*change(ada))
    ada.forge.set_policy(policy_text(version=9, repository="11111111-2222-3333-4444-555555555555"))
    ada.refused("LFCI205", *change(ada))


# -- the first push ----------------------------------------------------------------------------------


def test_an_empty_forge_without_a_policy_takes_nothing(farm: Farm, tmp_path: Path) -> None:
    forge = farm.empty()
    (forge.path / "lfci/bootstrap-policy.toml").unlink()
    ada = Developer(tmp_path / "ada", forge)
    first_commit(ada)
    evidence = ada.evidence("HEAD")
    ada.refused("LFCI201", "origin", "main", evidence)
    ada.refused("LFCI201", "origin", "HEAD:refs/heads/unprotected")


def test_bootstrap_report_takes_the_first_push_and_says_what_was_not_approved(
    farm: Farm, tmp_path: Path
) -> None:
    ada = Developer(tmp_path / "ada", farm.empty())
    commit = first_commit(ada)
    ada.refused("LFCI101", "origin", "main")
    ada.lands("origin", "main", ada.evidence("HEAD"))
    assert b"\nfirst landing: protected parts were not approved\n" in ada.forge.note("lfci-landed", commit)
    # Only the first: the second change of a protected part needs its approval.
    ada.edit({"tests/test_lib.py": b"def test_answer():\n    assert 1\n"})
    ada.refused("LFCI206", "origin", "main", ada.evidence("HEAD"))


def test_bootstrap_approval_asks_for_approvals_of_the_first_push(farm: Farm, tmp_path: Path) -> None:
    policy = policy_text(bootstrap="approval")
    ada = Developer(tmp_path / "ada", farm.empty(policy))
    commit = first_commit(ada, policy)
    evidence = ada.evidence("HEAD")
    ada.refused("LFCI206", "origin", "main", evidence)
    ada.refused("LFCI215", "origin", "main", evidence, *ada.approvals("HEAD", None, AGENT, policy=policy))
    ada.lands("origin", "main", evidence, *ada.approvals("HEAD", None, policy=policy))
    assert b"were not approved" not in ada.forge.note("lfci-landed", commit)
