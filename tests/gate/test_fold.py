"""The fold: nothing is lost, whoever pushes at once and whatever is killed when."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lfci_gate import files
from lfci_gate.attest.keys import format_public
from lfci_gate.errors import Undecided
from lfci_gate.gate import fold as folding
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.fold import fold
from lfci_gate.gate.state import ForgeState
from lfci_gate.model import ObjectId
from lfci_gate.value import replace
from tests.support.evidence import APPROVAL, SESSION
from tests.support.forge import AGENT, STRANGER, Developer, Forge


def without_post_receive(forge: Forge) -> None:
    """What arrives waits for the fold that the test starts."""
    (forge.path / "hooks/post-receive").unlink()


def noted(forge: Forge) -> set[tuple[str, str]]:
    """(subject, attestation id) of every bundle in the notes, found as git lists them."""
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.dsse import attestation_id

    if "refs/notes/lfci" not in forge.refs():
        return set()
    found = set()
    for line in forge.repo.git("notes", "--ref=lfci", "list").decode().splitlines():
        blob, subject = line.split(" ")
        for bundle in forge.repo.git("cat-file", "blob", blob).splitlines():
            identifier = attestation_id(parse_bundle(bundle).envelope)
            assert (subject, identifier) not in found, "a bundle is there twice"
            found.add((subject, identifier))
    return found


def named(spec: str) -> tuple[str, str]:
    """(subject, attestation id) of an inbox refspec."""
    subject, identifier = spec.rpartition(":")[2].split("/")[-2:]
    return subject, identifier


def results(forge: Forge) -> int:
    return len(forge.repo.git("ls-tree", "-r", "refs/lfci/results").splitlines())


# -- what it does ----------------------------------------------------------------------------------


def test_everything_is_found_under_its_subject(ada: Developer) -> None:
    forge, before = ada.forge, noted(ada.forge)
    without_post_receive(forge)
    ada.edit()
    specs = [ada.evidence("HEAD", duration_ms=number) for number in range(3)]
    specs.append("{}:{}".format(*ada.inbox(ada.bundle(SESSION, AGENT))))
    specs.append("{}:{}".format(*ada.inbox(ada.bundle(APPROVAL, AGENT))))
    ada.repo.git("push", "-q", "origin", "main", *specs)
    assert len(forge.waiting()) == 5
    done = fold(forge.git)
    assert (done.attestations, done.landings, done.waiting) == (5, 1, 0)
    assert noted(forge) - before == {named(spec) for spec in specs}
    assert results(forge) == 1  # one result document for all runs: it has no times
    state = forge.state()
    assert fold(forge.git) == folding.Folded()
    assert forge.state() == state
    forge.fsck()


def test_another_signature_under_the_same_statement_is_kept(ada: Developer) -> None:
    from tests.support.forge import SECOND_AGENT

    ada.edit()
    run, data = ada.run_of("HEAD")
    for signer in (AGENT, SECOND_AGENT, AGENT):
        ada.lands("origin", "{}:{}".format(*ada.inbox(ada.bundle(run, signer), data)))
    assert len(ada.forge.note("lfci", run.inputs_tree).splitlines()) == 2


def test_a_batch_is_bounded_and_the_next_one_follows(ada: Developer, monkeypatch: pytest.MonkeyPatch) -> None:
    without_post_receive(ada.forge)
    ada.edit()
    specs = [ada.evidence("HEAD", duration_ms=number) for number in range(5)]
    ada.repo.git("push", "-q", "origin", *specs)
    monkeypatch.setattr(folding, "_BATCH", 2)
    assert fold(ada.forge.git).attestations == 5
    ada.repo.git(
        "push", "-q", "origin", *[ada.evidence("HEAD", duration_ms=9), ada.evidence("HEAD", log_size=1)]
    )
    monkeypatch.setattr(folding, "_BATCH_BYTES", 1)
    assert fold(ada.forge.git).attestations == 2
    assert not ada.forge.waiting()


def test_evidence_that_no_key_signed_waits_for_a_day(ada: Developer) -> None:
    forge, state = ada.forge, ForgeState(ada.forge.path)
    ada.edit()
    spec = ada.evidence("HEAD", STRANGER)
    ada.repo.git("push", "-q", "origin", spec)
    assert len(forge.waiting()) == 1
    held = state.unverified()
    assert held is not None
    policy, since = held
    assert fold(forge.git).waiting == 1
    assert state.unverified() == held
    # Once its key is in the policy, it is evidence.
    state.set_unverified(policy, {ref: moment - timedelta(hours=23) for ref, moment in since.items()})
    assert fold(forge.git).expired == 0
    state.set_unverified(policy, {ref: moment - timedelta(hours=25) for ref, moment in since.items()})
    assert fold(forge.git).expired == 1
    assert not forge.waiting()
    assert state.unverified() is None
    assert named(spec) not in noted(forge)


def test_a_flood_of_junk_goes_at_once(ada: Developer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_MOST_UNVERIFIED", 2)
    without_post_receive(ada.forge)
    ada.edit()
    first = ada.evidence("HEAD", STRANGER)
    ada.repo.git("push", "-q", "origin", first)
    fold(ada.forge.git)
    flood = [ada.evidence("HEAD", STRANGER, duration_ms=number) for number in range(6)]
    ada.repo.git("push", "-q", "origin", *flood)
    done = fold(ada.forge.git)
    assert (done.expired, done.waiting) == (5, 2)
    assert first.rpartition(":")[2] in ada.forge.waiting()  # who was there first stays
    ada.lands_beside("origin", "main", ada.evidence("HEAD"))


def test_what_a_key_of_a_later_policy_signed_is_folded_then(ada: Developer) -> None:
    from tests.support.forge import policy_text

    ada.edit()
    spec = ada.evidence("HEAD", STRANGER)
    ada.repo.git("push", "-q", "origin", spec)
    keys = {"new": {"public": format_public(STRANGER.public), "roles": ["agent"]}}
    ada.forge.set_policy(policy_text(version=2, keys=keys))
    ada.lands("origin", "main")  # the gate does not pass over it either
    assert named(spec) in noted(ada.forge)


def test_evidence_that_landed_is_kept_when_its_key_has_left_the_policy_meanwhile(ada: Developer) -> None:
    """Accepted under one policy, folded under the next: the record names it, so it must be there."""
    from tests.support.forge import MAINTAINER, SECOND_AGENT, policy_text

    forge = ada.forge
    without_post_receive(forge)
    commit = ada.edit()
    counted, other = ada.evidence("HEAD", SECOND_AGENT), ada.evidence("HEAD", SECOND_AGENT, log_size=1)
    ada.repo.git("push", "-q", "origin", "main", counted)
    ada.repo.git("push", "-q", "origin", other)
    keys = {"agent": {"public": format_public(MAINTAINER.public), "roles": ["agent"]}}
    forge.set_policy(policy_text(version=2, keys=keys))
    assert fold(forge.git).landings == 1
    assert named(counted) in noted(forge)
    assert forge.waiting() == [other.rpartition(":")[2]]  # nothing landed with it: it waits for its key
    assert forge.note("lfci-landed", commit).startswith(b"Landed on refs/heads/main at ")


def test_a_damaged_inbox_ref_does_not_stop_the_others(ada: Developer) -> None:
    without_post_receive(ada.forge)
    forge = ada.forge
    ada.edit()
    good, bad = ada.evidence("HEAD"), ada.evidence("HEAD", duration_ms=7)
    ada.repo.git("push", "-q", "origin", good, bad)
    tree = bad.partition(":")[0]
    blob = forge.repo.line("rev-parse", f"{tree}:attestation")
    (forge.path / "objects" / blob[:2] / blob[2:]).unlink()
    done = fold(forge.git)
    assert (done.attestations, done.waiting) == (1, 1)
    assert forge.waiting() == [bad.rpartition(":")[2]]


def test_odd_inbox_refs_from_before_the_gate_expire_and_harm_nobody(ada: Developer) -> None:
    forge = ada.forge
    ada.edit()
    spec = ada.evidence("HEAD")
    subject, identifier = named(spec)
    ada.repo.git("push", "-q", "--receive-pack=git -c core.hooksPath=/dev/null receive-pack", str(forge.path),
                 f"{spec.partition(':')[0]}:refs/lfci/inbox/{'1' * 40}/{identifier}",
                 f"HEAD:refs/lfci/inbox/{subject}/{'2' * 64}",
                 f"{spec.partition(':')[0]}:refs/lfci/inbox/{subject}{'0' * 24}/{identifier}")  # fmt: skip
    assert fold(forge.git).waiting == 3
    ada.lands_beside("origin", "main", spec)
    assert named(spec) in noted(forge)


def test_somebody_else_moved_the_notes(ada: Developer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost race is not taken for a held lock: the evidence stays, and the error is told."""
    without_post_receive(ada.forge)
    ada.edit()
    spec = ada.evidence("HEAD")
    ada.repo.git("push", "-q", "origin", spec)
    original = folding.PackWriter.flush

    def meanwhile(writer: folding.PackWriter) -> None:
        original(writer)
        ada.forge.repo.git("update-ref", "-d", "refs/notes/lfci")

    monkeypatch.setattr(folding.PackWriter, "flush", meanwhile)
    with pytest.raises(Undecided, match="LFCI515"):
        fold(ada.forge.git, wait_s=0)
    monkeypatch.undo()
    assert ada.forge.waiting() == [spec.rpartition(":")[2]]
    assert fold(ada.forge.git).attestations == 1


# -- landings ---------------------------------------------------------------------------------------


def test_a_landing_is_recorded_whoever_folds_it(ada: Developer) -> None:
    """Post-receive of a push finds the lock held: it says what landed, and the holder writes it down."""
    forge, state = ada.forge, ForgeState(ada.forge.path)
    commit = ada.edit()
    with files.locked(state.lock_path):
        assert ada.push("origin", "main", ada.evidence("HEAD")).status == 0
        assert [entry.landed for entry in state.accepted()] == [True]
        # Even when the branch has left that commit by then.
        forge.repo.git("update-ref", "refs/heads/main", f"{commit}~")
    assert (state.directory / "fold-wanted").exists()
    assert fold(forge.git).landings == 1
    assert forge.note("lfci-landed", commit).startswith(b"Landed on refs/heads/main at ")
    assert state.accepted() == ()


def test_a_push_that_git_drops_after_the_gate_is_no_landing(ada: Developer) -> None:
    forge, state = ada.forge, ForgeState(ada.forge.path)
    hook = forge.path / "hooks/update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    commit = ada.edit()
    assert ada.push("origin", "main", ada.evidence("HEAD")).status != 0
    [entry] = state.accepted()
    assert not entry.landed
    assert fold(forge.git).landings == 0
    [entry] = state.accepted()
    state.record(replace(entry, at=entry.at - timedelta(hours=2)))
    fold(forge.git)
    assert state.accepted() == ()
    assert (
        "refs/notes/lfci-landed" not in forge.refs()
        or commit not in forge.repo.git("notes", "--ref=lfci-landed", "list").decode()
    )


def test_a_push_whose_objects_git_never_kept_stops_no_other_landing(ada: Developer) -> None:
    """The client went away while the gate judged, and git with it: the gate goes on alone, and lets a push
    through that nobody makes."""
    forge, state = ada.forge, ForgeState(ada.forge.path)
    without_post_receive(forge)
    commit = ada.edit()
    assert ada.push("origin", "main", ada.evidence("HEAD")).status == 0
    [entry] = state.accepted()
    lost = replace(entry, new=ObjectId("1" * 40), commit=ObjectId("1" * 40))
    state.record(lost)
    assert len(state.accepted()) == 2
    assert fold(forge.git).landings == 1
    assert forge.note("lfci-landed", commit)
    assert state.accepted() == (lost,)
    state.record(replace(lost, at=lost.at - timedelta(hours=2)))
    assert fold(forge.git).landings == 0
    assert state.accepted() == ()


def test_a_landing_whose_post_receive_died_is_found_by_its_ref(ada: Developer) -> None:
    without_post_receive(ada.forge)
    commit = ada.edit()
    ada.repo.git("push", "-q", "origin", "main", ada.evidence("HEAD"))
    ada.edit()
    ada.repo.git("push", "-q", "origin", "main", ada.evidence("HEAD"))
    assert [entry.landed for entry in ForgeState(ada.forge.path).accepted()] == [False, False]
    assert fold(ada.forge.git).landings == 2
    assert ada.forge.note("lfci-landed", commit)


def test_without_the_forges_key_evidence_is_folded_and_the_landing_waits(ada: Developer) -> None:
    forge, state = ada.forge, ForgeState(ada.forge.path)
    key = state.key_path.read_bytes()
    state.key_path.unlink()
    commit = ada.edit()
    pushed = ada.push("origin", "main", ada.evidence("HEAD"))
    assert pushed.status == 0
    assert "lfci: accepted; the record follows with the next fold (LFCI511)" in pushed.output
    assert not forge.waiting()
    files.write_file(state.key_path, key)
    assert fold(forge.git).landings == 1
    assert forge.note("lfci-landed", commit)


def test_evidence_is_taken_whatever_the_policy_and_folded_when_there_is_one_again(ada: Developer) -> None:
    """Rule 3: whose signature it is does not matter yet; a policy that was rolled back loses no evidence."""
    forge, state = ada.forge, ForgeState(ada.forge.path)
    floor = state.policy_floor()
    assert floor is not None
    held = (state.directory / "policy-floor.json").read_bytes()
    state.raise_floor(replace(floor, version=floor.version + 1))
    ada.edit()
    spec = ada.evidence("HEAD")
    pushed = ada.push("origin", spec)
    assert pushed.status == 0
    assert "lfci: accepted; the record follows with the next fold (LFCI203)" in pushed.output
    assert spec.partition(":")[2] in forge.refs()
    assert "error[LFCI203]" in ada.push("origin", "main").output
    files.write_file(state.directory / "policy-floor.json", held)
    assert fold(forge.git).attestations == 1
    assert not forge.waiting()


# -- many at once -----------------------------------------------------------------------------------


def test_sixteen_pushers_with_eighty_attestations_lose_none(ada: Developer) -> None:
    forge = ada.forge
    forge.repo.git("config", "lfci.timeBudget", "60")  # as on a small machine with many agents
    before = noted(forge)
    ada.edit()
    specs = [ada.evidence("HEAD", duration_ms=number) for number in range(80)]
    failed: list[str] = []

    def pusher(number: int) -> None:
        mine = specs[number::16]
        for some in (mine[:2], mine[2:]):
            pushed = ada.push("-q", "origin", *some)
            if pushed.status != 0:
                failed.append(pushed.output)

    threads = [threading.Thread(target=pusher, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    fold(forge.git)
    assert not forge.waiting()
    assert noted(forge) - before == {named(spec) for spec in specs}
    forge.fsck()


def test_two_landings_on_one_base_one_wins(ada: Developer, tmp_path: Path) -> None:
    bob = Developer.copied(ada.repo.path, tmp_path / "bob", ada.forge)
    pushes = []
    for developer in (ada, bob):
        commit = developer.edit()
        pushes.append((developer, commit, developer.evidence("HEAD")))
    statuses: dict[str, int] = {}

    def push(developer: Developer, commit: str, spec: str) -> None:
        statuses[commit] = developer.push("-q", "origin", "main", spec).status

    threads = [threading.Thread(target=push, args=each) for each in pushes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fold(ada.forge.git)
    [winner] = [commit for commit, status in statuses.items() if status == 0]
    assert ada.forge.refs()["refs/heads/main"] == winner
    records = ada.forge.repo.git("notes", "--ref=lfci-landed", "list").decode()
    assert winner in records
    assert all(commit not in records for commit in statuses if commit != winner)
    ada.forge.fsck()


# -- kill -9 ------------------------------------------------------------------------------------------

_STEPS = frozenset({"subprocess.Popen", "os.rename", "os.remove", "os.mkdir", "fcntl.flock"})


def killed_at(step: int, forge: Forge) -> bool:
    """Folds in a child that is killed before its ``step``-th step; False when it got to the end."""
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        left = step

        def hook(event: str, _args: object) -> None:
            nonlocal left
            if event in _STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            fold(forge.git)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_fold_that_is_killed_at_any_step_loses_nothing(ada: Developer) -> None:
    forge = ada.forge
    before = noted(forge)
    without_post_receive(forge)
    commit = ada.edit()
    specs = [ada.evidence("HEAD", duration_ms=number) for number in range(2)]
    junk = ada.evidence("HEAD", STRANGER)
    ada.repo.git("push", "-q", "origin", "main", *specs, junk)
    expected = {named(spec) for spec in specs}
    saved = forge.path.with_suffix(".saved")
    forge.path.rename(saved)
    steps = 0
    killed = True
    while killed:
        steps += 1
        shutil.rmtree(forge.path, ignore_errors=True)
        shutil.copytree(saved, forge.path)
        killed = killed_at(steps, forge)
        waiting = {named(":" + ref) for ref in forge.waiting()}
        assert expected <= (noted(forge) - before) | waiting, f"lost at step {steps}"
        fold(forge.git)
        assert noted(forge) - before == expected, f"not repaired after step {steps}"
        assert forge.waiting() == [junk.rpartition(":")[2]]
        record = forge.note("lfci-landed", commit)
        assert record.count(b"Landed on refs/heads/main") == 1, f"after step {steps}"
        assert not ForgeState(forge.path).accepted()
    assert steps > 12
    forge.fsck()


def test_what_a_killed_writer_left_is_removed_an_hour_later(ada: Developer) -> None:
    folder = ada.forge.path / "lfci"
    left = [folder / ".lfci-tmp-1-aa", folder / "accepted/.lfci-tmp-2-bb"]
    for path in left:
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    written_now = folder / "accepted/.lfci-tmp-3-cc"
    written_now.write_bytes(b"half")
    fold(ada.forge.git)
    assert not [path for path in left if path.exists()]
    assert written_now.exists()


def test_a_git_that_is_killed_between_two_refs_loses_nothing(ada: Developer) -> None:
    """git moves refs before it deletes any: killed in between, the note is in and the inbox is full."""
    forge = ada.forge
    without_post_receive(forge)
    ada.edit()
    spec = ada.evidence("HEAD")
    ada.repo.git("push", "-q", "origin", spec)
    inbox = spec.rpartition(":")[2]
    tree = forge.refs()[inbox]
    fold(forge.git)
    forge.repo.git("update-ref", inbox, tree)  # as such a kill leaves it
    note = forge.note("lfci", named(spec)[0])
    assert fold(forge.git).attestations == 1
    assert forge.note("lfci", named(spec)[0]) == note
    assert not forge.waiting()


def test_the_holder_of_the_lock_looks_again(ada: Developer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives while a fold is at its last step is folded by it."""
    without_post_receive(ada.forge)
    forge = ada.forge
    ada.edit()
    first, second = ada.evidence("HEAD"), ada.evidence("HEAD", duration_ms=2)
    ada.repo.git("push", "-q", "origin", first)
    original: Callable[..., int] = folding._record_landings
    late = [second]

    def last_step(*args: object) -> int:
        if late:
            ada.repo.git("push", "-q", "origin", late.pop())
            assert fold(forge.git, wait_s=0) == folding.Folded()  # as its post-receive would
        return original(*args)

    monkeypatch.setattr(folding, "_record_landings", last_step)
    assert fold(forge.git).attestations == 2
    assert not forge.waiting()


def test_a_note_that_grows_beyond_all_use_keeps_the_first_and_the_newest(
    ada: Developer, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_post_receive(ada.forge)
    ada.edit()
    specs = [ada.evidence("HEAD", duration_ms=number) for number in range(4)]
    size = len(ada.repo.git("cat-file", "blob", specs[0].partition(":")[0] + ":attestation"))
    monkeypatch.setattr(folding, "_NOTE_BYTES", size * 5 // 2)
    monkeypatch.setattr(folding, "_FIRST_BYTES", size + 50)
    for spec in specs:
        ada.repo.git("push", "-q", "origin", spec)
        fold(ada.forge.git)
    kept = {named(spec) for spec in specs} & noted(ada.forge)
    assert kept == {named(spec) for spec in (specs[0], specs[3])}
    ada.lands_beside("origin", "main")


def test_the_first_bundles_of_a_note_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_NOTE_BYTES", 2_000)
    monkeypatch.setattr(folding, "_FIRST_BYTES", 250)
    lines = [b"%03d" % number + b"." * 96 for number in range(100)]
    note = b""
    for line in lines:
        note = folding._with_line(note, line)
    assert note == b"".join(line + b"\n" for line in [*lines[:2], *lines[-18:]])
    assert folding._with_line(note, lines[0]) == note
    monkeypatch.setattr(folding, "_FIRST_BYTES", 10**6)
    monkeypatch.setattr(folding, "Limits", lambda: Limits(first_noted=3))
    assert folding._with_line(note, b"x" * 99) == note[:300] + note[400:] + b"x" * 99 + b"\n"
