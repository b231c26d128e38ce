"""A forge that went back: restored from an older backup, rewritten, or another one under the same name.
Clones that have seen more say so, and can give it back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.seen import look, watch
from lfci_gate.clone.target import Target, find_target
from lfci_gate.gate.fold import fold
from lfci_gate.gate.landed import forge_signer
from lfci_gate.gate.memory import written
from lfci_gate.gate.state import ForgeState
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId
from tests.clone.conftest import Screen, Worker
from tests.clone.test_break_glass import stopped
from tests.clone.test_hot_path import PROGRAM, verbs
from tests.clone.test_land import random_bytes
from tests.clone.test_verify import trust_the_forge
from tests.gate.test_memory import memory_line, record
from tests.support.forge import RULE, STRANGER, Forge, policy_text
from tests.support.repos import Repo, make_repo

MAIN = "refs/heads/main"
UNGUARDED = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack"


def changed(worker: Worker) -> None:
    worker.edit({"src/lib.py": random_bytes()})
    worker.attest()


def landing(worker: Worker) -> str:
    """A landing by `lfci land`; the commit."""
    changed(worker)
    shown = worker.lfci("land")
    assert shown.status == 0, shown.text
    return worker.head()


def restored(forge: Forge, backup: Path) -> None:
    """What an operator does with a backup after a disk has died."""
    shutil.rmtree(forge.path)
    shutil.copytree(backup, forge.path, symlinks=True)


@pytest.fixture
def backup(forge: Forge, tmp_path: Path) -> Path:
    """A copy of the forge as it was at the beginning of the test."""
    shutil.copytree(forge.path, tmp_path / "backup.git", symlinks=True)
    return tmp_path / "backup.git"


def seen(worker: Worker) -> dict[str, str]:
    found = evidence_refs(worker.repo.tool)
    place = "refs/lfci/seen/"
    return {name.removeprefix(place): oid for name, oid in found.items() if name.startswith(place)}


def refused(worker: Worker) -> str:
    """`lfci land` says that the forge has gone back, and changes nothing there or here."""
    before, mine, held = worker.forge.state(), worker.mine(), seen(worker)
    err = stopped(worker.lfci("land"), "LFCI220")
    assert worker.forge.state() == before
    assert worker.mine() == mine
    assert seen(worker) == held
    return err


# -- a restored backup --------------------------------------------------------------------------------------


def test_a_clone_notices_that_a_backup_was_restored(
    ada: Worker, bob: Worker, forge: Forge, backup: Path
) -> None:
    first, newest = ada.head(), landing(ada)
    assert seen(ada) == {
        "origin/heads/main": newest,
        "origin/landed": forge.refs()["refs/notes/lfci-landed"],
        "origin/notes": forge.refs()["refs/notes/lfci"],
        "origin/policy": newest,
        "origin/results": forge.refs()["refs/lfci/results"],
    }
    restored(forge, backup)

    changed(ada)
    err = refused(ada)
    assert "error[LFCI220]: origin has gone back behind what this clone has seen there" in err
    assert "landing records: " in err
    assert f"main: {newest[:12]} was there, now {first[:12]} does not contain it" in err
    assert "lfci attestation forget-forge --remote origin" in err
    trust_the_forge(ada)
    err = refused(ada)
    assert f"main: {newest[:12]} was there (landed " in err
    assert " under policy version 1, signed by the forge (lfci.forgeKey)), now " in err

    # The push of what was landed would look like a fast-forward to everybody else.
    assert ada.lfci("install").status == 0
    before = forge.state()
    pushed = ada.push("origin", "main")
    assert (pushed.status != 0, pushed.codes) == (True, {"LFCI220"})
    assert forge.state() == before

    # A check is local work: it is done, and says so. git's own fetch and gc do not make the clone forget.
    held = seen(ada)
    ada.repo.git("fetch", "-q")
    ada.repo.git("gc", "-q", "--prune=now")
    shown = ada.lfci("check")
    assert shown.status == 0
    assert "warning[LFCI220]: origin has gone back" in shown.err
    assert seen(ada) == held
    for oid in held.values():
        ada.repo.git("cat-file", "-e", oid)

    # What is served passes, and is not what was served before.
    shown = ada.lfci("verify", first, "--format", "json")
    assert (shown.status, shown.json["result"]) == (1, "went-back")
    assert shown.json["commits"][0]["verdict"]["verdict"] == "accepted"
    assert len(shown.json["wentBack"]) >= 2
    assert "error[LFCI220]" in shown.err

    # Whoever has seen no more than the backup has nothing to say.
    landing(bob)
    assert "LFCI220" not in bob.lfci("check").err


def test_whoever_says_that_it_is_meant_goes_on(ada: Worker, forge: Forge, backup: Path) -> None:
    newest = landing(ada)
    restored(forge, backup)
    changed(ada)
    refused(ada)
    shown = ada.lfci("attestation", "forget-forge", "--format", "json")
    assert shown.status == 0
    assert shown.json["seen"]["refs/lfci/seen/origin/heads/main"] == newest
    assert seen(ada) == {}
    assert ada.lfci("land").status == 0
    assert seen(ada)["origin/heads/main"] == ada.head()
    assert "forgotten: heads/main at " in ada.lfci("attestation", "forget-forge").out
    assert "nothing was remembered of origin" in ada.lfci("attestation", "forget-forge").out


def test_a_branch_that_is_gone(ada: Worker, forge: Forge) -> None:
    assert ada.lfci("install").status == 0
    newest = landing(ada)
    forge.repo.git("update-ref", "-d", MAIN)
    pushed = ada.push("origin", "main")
    assert pushed.codes == {"LFCI220"}
    assert f"main: {newest[:12]} was there, now it does not exist" in pushed.output
    assert MAIN not in forge.refs()
    assert seen(ada)["origin/heads/main"] == newest


def test_notes_that_were_rewritten(ada: Worker, forge: Forge) -> None:
    landing(ada)
    words = {
        "refs/notes/lfci-landed": "landing records",
        "refs/notes/lfci": "evidence",
        "refs/lfci/results": "result documents",
    }
    tips = {ref: forge.refs()[ref] for ref in words}
    for ref in words:
        other = forge.repo.line("commit-tree", f"{ref}^{{tree}}", "-m", "rewritten")
        forge.repo.git("update-ref", ref, other)
    changed(ada)
    err = refused(ada)
    for ref, word in words.items():
        assert f"{word}: {tips[ref][:12]} was there, {forge.refs()[ref][:12]} does not contain it" in err


def test_what_another_worktree_did_meanwhile_is_no_going_back(ada: Worker) -> None:
    git = ada.repo.tool
    before = find_target(git)
    landing(ada)
    with BatchReader(git) as objects:
        assert look(git, objects, before, evidence_refs(git), fresh=False).back
        watch(git, objects, before, fresh=True)
        watch(git, objects, before, fresh=True, again=False)


def test_what_cannot_be_remembered_stops_nobody(ada: Worker) -> None:
    landing(ada)
    lock = ada.path / ".git/refs/lfci/seen/origin/landed.lock"
    lock.write_bytes(b"")
    landing(ada)
    lock.unlink()
    assert ada.lfci("check").status == 0
    assert seen(ada)["origin/landed"] == ada.forge.refs()["refs/notes/lfci-landed"]
    # A known check looks back without another process.
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM], cwd=ada.path, env=ada.environ(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    modules, started = json.loads(done.stdout.splitlines()[-1])
    assert "lfci_gate.clone.seen" not in modules
    assert verbs(started) == {
        "config": 1,
        "symbolic-ref": 1,
        "status": 1,
        "ls-files": 1,
        "for-each-ref": 2,
        "cat-file": 1,
    }


# -- what is compared, in a repository of its own ----------------------------------------------------------


class Past:
    """Commits with policies, and what a clone would have seen of them."""

    def __init__(self, path: Path) -> None:
        self.repo: Repo = make_repo(path)
        self.repo.git("remote", "add", "origin", "file:///nowhere")
        self.git = self.repo.tool
        self.objects = BatchReader(self.git)

    def commit(self, policy: bytes | None, *parents: str) -> ObjectId:
        if policy is None:
            tree = self.repo.git("mktree", input=b"").decode().strip()
        else:
            blob = self.repo.git("hash-object", "-w", "--stdin", input=policy).decode().strip()
            below = (
                self.repo.git("mktree", input=f"100644 blob {blob}\tpolicy.toml\n".encode()).decode().strip()
            )
            tree = self.repo.git("mktree", input=f"040000 tree {below}\t.lfci\n".encode()).decode().strip()
        words = [word for parent in parents for word in ("-p", parent)]
        return ObjectId(self.repo.line("commit-tree", tree, *words, "-m", f"{len(parents)} {policy!r:.40}"))

    def back(
        self,
        held: ObjectId | None,
        tip: ObjectId | None,
        more: Mapping[str, ObjectId] | None = None,
        **options: Any,
    ) -> tuple[str, ...]:
        """What is said of main at ``tip``, where ``held`` was seen."""
        refs = dict(more or {})
        if held is not None:
            refs |= {"refs/lfci/seen/origin/heads/main": held, "refs/lfci/seen/origin/policy": held}
        target = Target("origin", MAIN, MAIN, tip, tip)
        return look(self.git, self.objects, target, refs, **{"fresh": False, **options}).back

    def news(self, tip: ObjectId, refs: Mapping[str, ObjectId]) -> set[str]:
        target = Target("origin", MAIN, MAIN, tip, tip)
        found = look(self.git, self.objects, target, refs, fresh=False)
        assert found.back == ()
        place = "refs/lfci/seen/origin/"
        return {f"{name.removeprefix(place)} {new == tip}" for name, _, new in found.news}


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    made = Past(tmp_path / "past")
    with made.objects:
        yield made


def test_a_branch_that_takes_fast_forwards_only_goes_forward(past: Past) -> None:
    old = past.commit(policy_text())
    new = past.commit(policy_text(), old)
    other = past.commit(policy_text(version=2))
    assert past.back(None, old) == past.back(old, old) == past.back(old, new) == ()
    assert past.back(new, old) == (f"main: {new[:12]} was there, now {old[:12]} does not contain it",)
    assert past.back(new, other) == (f"main: {new[:12]} was there, now {other[:12]} does not contain it",)
    assert past.back(new, new, gone=frozenset({MAIN})) == (
        f"main: {new[:12]} was there, now it does not exist",
    )
    held = {"refs/lfci/seen/origin/heads/main": old, "refs/lfci/seen/origin/policy": old}
    assert past.news(new, held) == past.news(new, {}) == {"heads/main True", "policy True"}
    assert past.news(old, held) == set()


def test_a_branch_that_may_be_rewound_or_has_no_rule_may(past: Past) -> None:
    for policy in (
        policy_text(rules=({**RULE, "update": "any"},)),
        policy_text(rules=({**RULE, "refs": ["refs/heads/other"]},)),
        None,
    ):
        old = past.commit(policy)
        new = past.commit(policy, old)
        assert past.back(new, old) == ()
        assert past.news(new, {}) == ({"policy True"} if policy else set())
        # What it was before, under another rule, is no past of it any more.
        assert "heads/main False" in past.news(new, {"refs/lfci/seen/origin/heads/main": old})


def test_a_policy_only_grows(past: Past) -> None:
    base = past.commit(policy_text(version=2))
    elsewhere = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12"
    for data, said in (
        (policy_text(version=2), ()),
        (policy_text(version=3), ()),
        (policy_text(version=1), ("policy: version 2 was there, now version 1",)),
        (b"nonsense", ("policy: version 2 was there, now none that can be read",)),
        (None, ("policy: version 2 was there, now none that can be read",)),
    ):
        assert past.back(base, past.commit(data, base)) == said
    [line] = past.back(base, past.commit(policy_text(version=3, repository=elsewhere), base))
    assert line.endswith(f"now of {elsewhere}")
    # Where there was none, or none that could be read, any is news.
    for before in (None, b"nonsense"):
        start = past.commit(before)
        assert past.back(start, past.commit(policy_text(version=1), start)) == ()


def test_a_policy_of_the_operator_only_grows(ada: Worker, forge: Forge) -> None:
    """It is in no tree; the landing records name its version."""
    trust_the_forge(ada)
    before, tip = landing(ada), landing(ada)
    record(forge, before, 9, forge_signer(forge.git))
    ada.repo.git("fetch", "-q", "origin", "+refs/notes/lfci*:refs/notes/lfci*")
    git = ada.repo.tool
    with BatchReader(git) as objects:
        target = find_target(git)
        refs = {**evidence_refs(git), "refs/lfci/seen/origin/policy": ObjectId(before)}
        back = look(git, objects, target, refs, fresh=False).back
        assert back == ("policy that the forge judges by: version 9 before, now version 1, say its records",)
        refs["refs/lfci/seen/origin/policy"] = ObjectId(tip)
        assert look(git, objects, target, refs, fresh=False).back == ()


def test_notes_of_a_second_forge_are_no_past_of_the_first(past: Past) -> None:
    """The mirrored notes are those of the forge that was asked last: only a fetch tells whose they are."""
    tip = past.commit(policy_text())
    notes = {
        "refs/lfci/seen/origin/landed": past.commit(None),
        "refs/notes/lfci-landed": past.commit(b"other"),
    }
    assert len(past.back(tip, tip, notes)) == 1
    past.repo.git("remote", "add", "second", "file:///elsewhere")
    again = Past.__new__(Past)
    again.repo, again.objects = past.repo, past.objects
    again.git = type(past.git)(past.repo.path)
    assert again.back(tip, tip, notes) == ()
    assert len(again.back(tip, tip, notes, fresh=True)) == 1
    # What a fetch did not find says nothing.
    assert past.back(tip, tip, {"refs/lfci/seen/origin/landed": tip}) == ()


def test_a_clone_without_a_remote_has_no_past(past: Past) -> None:
    old = past.commit(policy_text())
    new = past.commit(policy_text(), old)
    target = Target(None, MAIN, MAIN, old, old)
    refs = {"refs/lfci/seen/origin/heads/main": new}
    assert look(past.git, past.objects, target, refs, fresh=False).back == ()


# -- giving it back --------------------------------------------------------------------------------------


def recover(worker: Worker, *words: str) -> Screen:
    return worker.lfci("forge", "recover", str(worker.forge.path), *(words or ("--from", str(worker.path))))


def test_a_clone_gives_back_what_the_backup_had_not(ada: Worker, forge: Forge, backup: Path) -> None:
    forge.set_policy(policy_text(version=7))  # in force for these landings, and in no tree
    landing(ada)
    landing(ada)
    lost = forge.refs()
    restored(forge, backup)
    changed(ada)
    refused(ada)
    shown = recover(ada)
    assert shown.status == 0, shown.text
    assert "2 landing records came back" in shown.out
    assert forge.refs() == lost
    forge.fsck()
    floor = ForgeState(forge.path).policy_floor()
    assert floor is not None
    assert floor.version == 7
    assert memory_line(forge)[0]
    forge.set_policy(policy_text(version=7))
    assert ada.lfci("land").status == 0
    shown = recover(ada, "--from", str(ada.path), "--format", "json")
    assert (shown.json["landings"], shown.json["moved"], shown.json["left"]) == (0, [], [])


def test_only_what_the_forge_signed_comes_back(ada: Worker, forge: Forge, backup: Path) -> None:
    newest = landing(ada)
    clone = Forge(ada.path / ".git", "")  # whose notes can be tampered with
    # A record that the forge has is changed, not added to.
    record(clone, newest, 1, forge_signer(forge.git))
    refs = forge.refs()
    assert "was changed in the clone" in stopped(recover(ada), "LFCI410")
    assert forge.refs() == refs
    # One that it has not is somebody else's.
    restored(forge, backup)
    record(clone, newest, 1, STRANGER)
    ada.repo.git("update-ref", "-d", "refs/lfci/seen/origin/landed")
    refs = forge.refs()
    assert "signed by no key that is trusted here" in stopped(recover(ada), "LFCI103")
    assert forge.refs() == refs


def test_what_cannot_go_forward_is_told_and_left(
    ada: Worker, bob: Worker, forge: Forge, backup: Path
) -> None:
    """Somebody has landed on the restored forge already."""
    newest = landing(ada)
    restored(forge, backup)
    bob.edit({"src/other.py": random_bytes()})
    bob.repo.git("push", "-q", str(forge.path), UNGUARDED, "HEAD:main")
    shown = recover(ada)
    assert shown.status == 1
    assert f"{MAIN} landed at {newest}, says its record: that is not forward of where it is" in shown.out
    assert "1 landing records came back" in shown.out
    assert forge.refs()[MAIN] == bob.head()


def test_what_nobody_has_any_more_is_given_up_explicitly(ada: Worker, forge: Forge, tmp_path: Path) -> None:
    old = forge.refs()["refs/notes/lfci-landed"]
    landing(ada)
    newest = forge.refs()["refs/notes/lfci-landed"]
    forge.repo.git("update-ref", "refs/notes/lfci-landed", old)
    fold(forge.git)
    assert not memory_line(forge)[0]
    before = forge.state()
    stopped(recover(ada, "--from", str(tmp_path)), "LFCI510", 2)
    stopped(recover(ada, "--from"), "LFCI514", 2)
    assert forge.state() == before
    shown = recover(ada, "--accept-loss", "--format", "json")
    assert (shown.status, shown.json["lost"]) == (0, [newest])
    assert memory_line(forge)[0]
    assert written(ForgeState(forge.path)).lost == ()
