"""The forge's memory of its policy survives what happens to repositories: gc, lost state, mirrors, old
backups."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lfci_gate.attest.keys import format_public
from lfci_gate.attest.signers import Signer
from lfci_gate.errors import Refusal, Undecided
from lfci_gate.gate import memory
from lfci_gate.gate.facts import PolicyFloor
from lfci_gate.gate.fold import fold
from lfci_gate.gate.install import forge_status, init_forge
from lfci_gate.gate.landed import forge_signer, landing_note
from lfci_gate.gate.memory import Written, written
from lfci_gate.gate.state import Accepted, ForgeState
from lfci_gate.model import ObjectId
from tests.gate.test_fold import noted
from tests.gate.test_rules_04_to_12 import key
from tests.support.evidence import REPOSITORY, sha
from tests.support.forge import AGENT, MAINTAINER, STRANGER, Developer, Forge, now, policy_text

MAIN = "refs/heads/main"


def memory_line(forge: Forge) -> tuple[bool, str, str]:
    [line] = [each for each in forge_status(forge.path, probe=False) if each.what == "memory"]
    return line.ok, line.detail, line.fix


def floor(forge: Forge) -> int | None:
    known = ForgeState(forge.path).policy_floor()
    return None if known is None else known.version


def landing(ada: Developer) -> str:
    commit = ada.edit()
    ada.lands("origin", "main", ada.evidence("HEAD"))
    return commit


def newer_policy(forge: Forge, version: int = 3) -> None:
    """The operator's policy was in force for one landing, and is not any more: only memory knows of it.
    As a landing leaves it: a record, and the floor."""
    record(forge, forge.refs()[MAIN], version, forge_signer(forge.git))
    state = ForgeState(forge.path)
    state.raise_floor(PolicyFloor(REPOSITORY, version))
    memory.set_tip(state, ObjectId(forge.refs()["refs/notes/lfci-landed"]))


def lose(forge: Forge, *names: str) -> None:
    for name in names:
        (forge.path / "lfci" / name).unlink()


def init(forge: Forge, tmp_path: Path) -> None:
    policy = tmp_path / "given.toml"
    policy.write_bytes(policy_text())
    init_forge(forge.path, policy, on_server=False, branch=MAIN)


def record(forge: Forge, commit: str, version: int, signer: Signer, repository: str = REPOSITORY) -> None:
    """A landing record that somebody wrote."""
    entry = Accepted(
        pushed=MAIN,
        ref=MAIN,
        old=None,
        new=ObjectId(commit),
        commit=ObjectId(commit),
        repository=repository,
        policy_sha256=sha("policy"),
        policy_version=version,
        at=now(),
        evidence=(),
        summary=(),
    )
    note = landing_note(b"", entry, signer)
    blob = forge.repo.git("hash-object", "-w", "--stdin", input=note).decode().strip()
    forge.repo.git("notes", "--ref=lfci-landed", "add", "-f", "-C", blob, commit)


# -- gc ------------------------------------------------------------------------------------------------


def test_gc_takes_nothing_of_it(ada: Developer) -> None:
    ada.forge.set_policy(policy_text(version=3))
    landing(ada)
    ada.forge.repo.git("config", "--unset", "lfci.policy")
    before = noted(ada.forge)
    ada.forge.repo.git("gc", "-q", "--prune=now")
    assert floor(ada.forge) == 3
    assert noted(ada.forge) == before
    results = ada.forge.repo.git("ls-tree", "-r", "--name-only", "refs/lfci/results").split()
    for name in results:
        assert ada.forge.repo.git("cat-file", "blob", f"refs/lfci/results:{name.decode()}")
    ada.edit()
    ada.refused("LFCI203", "origin", "main", ada.evidence("HEAD"))


# -- lost state ----------------------------------------------------------------------------------------------


def test_without_the_floor_nothing_is_accepted_until_the_records_were_asked(ada: Developer) -> None:
    newer_policy(ada.forge)
    assert memory_line(ada.forge) == (True, "policy version 3", "")
    lose(ada.forge, "policy-floor.json")
    assert memory_line(ada.forge)[:2] == (False, "knows policy version 0, the landing records 3")
    ada.edit()
    pushed = ada.refused("LFCI516", "origin", "main", ada.evidence("HEAD"))
    assert "its state was lost" in pushed.output
    with pytest.raises(Refusal, match="LFCI203"):
        fold(ada.forge.git)
    assert floor(ada.forge) == 3
    ada.refused("LFCI203", "origin", "main", ada.evidence("HEAD"))


def test_state_of_an_older_backup_beside_newer_records(ada: Developer, tmp_path: Path) -> None:
    shutil.copytree(ada.forge.path / "lfci", tmp_path / "lfci")
    newer_policy(ada.forge)
    landing_notes = ada.forge.refs()["refs/notes/lfci-landed"]
    shutil.rmtree(ada.forge.path / "lfci")
    shutil.copytree(tmp_path / "lfci", ada.forge.path / "lfci")
    assert floor(ada.forge) == 1
    ok, what, fix = memory_line(ada.forge)
    assert (ok, what, fix) == (
        False,
        "knows policy version 1, the landing records 3",
        "lfci forge fold REPO",
    )
    with pytest.raises(Refusal, match="LFCI203"):
        fold(ada.forge.git)
    assert floor(ada.forge) == 3
    assert written(ForgeState(ada.forge.path)) == Written(ObjectId(landing_notes))
    assert memory_line(ada.forge)[0]


def test_a_mirror_becomes_a_forge_that_remembers(ada: Developer, tmp_path: Path) -> None:
    newer_policy(ada.forge)
    old_key = format_public(forge_signer(ada.forge.git).public)
    path = tmp_path / "mirror.git"
    subprocess.run(["git", "clone", "-q", "--mirror", str(ada.forge.path), str(path)], check=True)
    mirror = Forge(path, str(path))
    mirror.repo.git("config", "--add", "lfci.forgeKey", old_key)
    init(mirror, tmp_path)
    assert floor(mirror) == 3
    assert memory_line(mirror) == (True, "policy version 3", "")
    # The policy that landed there is older than that: somebody has to land a newer one first.
    assert ("policy", False) in {(line.what, line.ok) for line in forge_status(path, probe=False)}


def test_a_mirror_that_trusts_nobody_says_what_it_could_not_verify(ada: Developer, tmp_path: Path) -> None:
    newer_policy(ada.forge)
    old_key = format_public(forge_signer(ada.forge.git).public)
    path = tmp_path / "mirror.git"
    subprocess.run(["git", "clone", "-q", "--mirror", str(ada.forge.path), str(path)], check=True)
    mirror = Forge(path, str(path))
    init(mirror, tmp_path)
    assert floor(mirror) == 1  # of the policy that has landed; the records are somebody's word
    ok, what, fix = memory_line(mirror)
    assert (ok, what) == (False, "knows policy version 1; records that no trusted key signed say 3")
    assert "lfci.forgeKey" in fix
    mirror.repo.git("config", "--add", "lfci.forgeKey", old_key)
    lose(mirror, "written.json")
    with pytest.raises(Refusal, match="LFCI203"):
        fold(mirror.git)
    assert floor(mirror) == 3


def test_before_anything_has_landed_the_operator_may_give_another_policy(tmp_path: Path) -> None:
    path, policy = tmp_path / "forge.git", tmp_path / "policy.toml"
    for version in (5, 2):
        policy.write_bytes(policy_text(version=version))
        init_forge(path, policy, on_server=False, branch=MAIN)
        assert ForgeState(path).policy_floor() is None
    assert memory_line(Forge(path, "")) == (True, "no policy has been in force yet", "")


def test_a_policy_that_landed_before_the_gate_is_remembered_at_once(ada: Developer, tmp_path: Path) -> None:
    forge = ada.forge
    shutil.rmtree(forge.path / "lfci")
    forge.repo.git("update-ref", "-d", "refs/notes/lfci-landed")
    init(forge, tmp_path)
    assert floor(forge) == 1


# -- whose word ------------------------------------------------------------------------------------------


def test_only_signed_records_of_this_repository_raise_the_floor(ada: Developer) -> None:
    forge = ada.forge
    tip = forge.refs()[MAIN]
    other = forge.repo.line("commit-tree", f"{MAIN}^{{tree}}", "-m", "some commit")
    signer = forge_signer(forge.git)
    record(forge, tip, 9, STRANGER)
    record(forge, other, 8, signer, "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12")
    fold(forge.git)
    assert floor(forge) == 1
    assert memory_line(forge)[:2] == (
        False,
        "knows policy version 1; records that no trusted key signed say 9",
    )
    # Of several signed ones the highest counts, whatever the lines for people say.
    record(forge, tip, 4, signer)
    record(forge, other, 3, signer)
    note = forge.note("lfci-landed", other).replace(b"policy version 3", b"policy version 7")
    blob = forge.repo.git("hash-object", "-w", "--stdin", input=note).decode().strip()
    forge.repo.git("notes", "--ref=lfci-landed", "add", "-f", "-C", blob, other)
    with pytest.raises(Refusal, match="LFCI203"):
        fold(forge.git)
    assert floor(forge) == 4


def test_a_key_of_the_policy_with_the_role_forge_is_believed(ada: Developer) -> None:
    forge = ada.forge
    keys = {
        "old-forge": key(STRANGER, "forge"),
        "maintainer": key(MAINTAINER, "maintainer"),
        "agent": key(AGENT, "agent"),
    }
    forge.set_policy(policy_text(version=2, keys=keys))
    record(forge, forge.refs()[MAIN], 6, STRANGER)
    with pytest.raises(Refusal, match="LFCI203"):
        fold(forge.git)
    assert floor(forge) == 6


# -- records that went back ------------------------------------------------------------------------------


def test_records_that_went_back_are_noticed_and_not_forgotten(ada: Developer) -> None:
    forge, state = ada.forge, ForgeState(ada.forge.path)
    old = forge.refs()["refs/notes/lfci-landed"]
    landing(ada)
    newest = forge.refs()["refs/notes/lfci-landed"]
    assert written(state) == Written(ObjectId(newest))
    forge.repo.git("update-ref", "refs/notes/lfci-landed", old)
    fold(forge.git)
    assert written(state) == Written(ObjectId(old), (ObjectId(newest),))
    ok, what, fix = memory_line(forge)
    assert (ok, what) == (False, f"landing records are gone that were here: up to {newest[:12]}")
    assert "lfci forge recover REPO --from CLONE" in fix
    landing(ada)  # what goes on does not hide it
    assert written(state).lost == (ObjectId(newest),)
    assert not memory_line(forge)[0]
    # They come back: put upon one another, as a merge of notes would.
    merged = forge.repo.git(
        "commit-tree",
        "refs/notes/lfci-landed^{tree}",
        "-p",
        "refs/notes/lfci-landed",
        "-p",
        newest,
        "-m",
        "both",
    )
    forge.repo.git("update-ref", "refs/notes/lfci-landed", merged.decode().strip())
    fold(forge.git)
    assert written(state).lost == ()
    assert memory_line(forge)[0]


def test_all_records_deleted(ada: Developer) -> None:
    forge = ada.forge
    newest = forge.refs()["refs/notes/lfci-landed"]
    forge.repo.git("update-ref", "-d", "refs/notes/lfci-landed")
    fold(forge.git)
    assert written(ForgeState(forge.path)) == Written(None, (ObjectId(newest),))
    assert not memory_line(forge)[0]


def test_nothing_is_read_where_nothing_has_changed(ada: Developer, monkeypatch: pytest.MonkeyPatch) -> None:
    landing(ada)
    fold(ada.forge.git)
    before = ForgeState(ada.forge.path).directory.joinpath("written.json").stat().st_mtime_ns

    def never(*_: object, **__: object) -> None:
        raise AssertionError("looked at the records again")

    monkeypatch.setattr(memory, "claimed", never)
    monkeypatch.setattr(memory, "is_ancestor", never)
    fold(ada.forge.git)
    assert ForgeState(ada.forge.path).directory.joinpath("written.json").stat().st_mtime_ns == before


def test_a_memory_that_cannot_be_read_is_not_an_empty_one(ada: Developer) -> None:
    (ada.forge.path / "lfci/written.json").write_bytes(b'{"tip":1}')
    with pytest.raises(Undecided, match="LFCI505"):
        fold(ada.forge.git)
    assert memory_line(ada.forge)[:2] == (
        False,
        "LFCI505: known landing records: tip: must be a string, not an integer",
    )


def test_the_floor_of_an_upgraded_forge_is_found_at_its_first_fold(ada: Developer) -> None:
    """A forge from before: it has records and a floor, and no file of what it has written."""
    landing(ada)
    lose(ada.forge, "written.json")
    tip = ada.forge.refs()["refs/notes/lfci-landed"]
    assert memory_line(ada.forge)[0]
    fold(ada.forge.git)
    assert written(ForgeState(ada.forge.path)) == Written(ObjectId(tip))
    assert ForgeState(ada.forge.path).policy_floor() == PolicyFloor(REPOSITORY, 1)
