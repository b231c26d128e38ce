"""Rule 14 on objects in memory: lockfiles that changed, and entries that are not known to be pinned."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from lfci_gate.git.tree import FILE, SYMLINK
from lfci_gate.model import LockfileFact, ObjectId, Reason, RefUpdate, Sha256, VerdictKind
from tests.support.forge import CONFIG, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import FILES, MAIN, MemoryForge, codes, started

REFUSE = {"dependencies": {"unpinned": "refuse"}, "protect": []}
NO_READER = "its format has no reader yet, so its entries are not known"
NOT_NAMED = "no run that counts names it, so its entries are not known"

Counts = tuple[int | None, int | None]
"""Pinned, unpinned."""


def forge_with(section: dict[str, Any]) -> MemoryForge:
    return started(policy_text(rules=(RULE | section,)))


def commit_with(forge: MemoryForge, files: dict[str, bytes | None]) -> ObjectId:
    return forge.commit({**files, ".lfci/policy.toml": forge.bootstrap_policy})


def facts(files: dict[str, bytes | None], **counts: Counts) -> tuple[LockfileFact, ...]:
    """What a run says of these lockfiles; of flake.lock that it is pinned, unless told."""
    known = {"flake.lock": FILES["flake.lock"], **files}
    said = {"flake_lock": (3, 0), **counts}
    found = []
    for name, (pinned, unpinned) in said.items():
        path = name.replace("__", "/").replace("_", ".")
        data = known[path]
        assert data is not None
        found.append(LockfileFact(path, Sha256(hashlib.sha256(data).hexdigest()), pinned, unpinned))
    return tuple(sorted(found, key=lambda fact: fact.path))


def outcome(forge: MemoryForge, commit: ObjectId, *said: tuple[LockfileFact, ...]) -> list[Reason]:
    signers = ({}, {"signer": SECOND_AGENT})
    runs = [forge.run(commit, lockfiles=each, **who) for each, who in zip(said, signers, strict=False)]
    verdict = forge.judge(forge.to_main(commit), *runs)
    assert (verdict.kind is VerdictKind.ACCEPTED) == (not codes(verdict))
    return list(verdict.refs[0].reasons)


MIX: dict[str, bytes | None] = {"apps/mix.lock": b"%{}\n"}


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"apps__mix_lock": (61, 0)}, None),
        ({"apps__mix_lock": (0, 0)}, None),
        ({"apps__mix_lock": (61, 1)}, "apps/mix.lock: 1 entry without a content hash"),
        ({"apps__mix_lock": (61, 2)}, "apps/mix.lock: 2 entries without a content hash"),
        ({"apps__mix_lock": (None, None)}, f"apps/mix.lock: {NO_READER}"),
        ({}, f"apps/mix.lock: {NOT_NAMED}"),
    ],
)
def test_every_lockfile_must_be_known_to_be_pinned(counts: dict[str, Counts], why: str | None) -> None:
    forge = forge_with(REFUSE)
    reasons = outcome(forge, commit_with(forge, MIX), facts(MIX, **counts))
    if why is None:
        assert reasons == []
    else:
        (reason,) = reasons
        assert reason.code == "LFCI214"
        assert reason.message == "the policy refuses dependencies that are not known to be pinned"
        assert reason.facts == (why,)


def test_a_policy_that_allows_them_asks_nothing() -> None:
    forge = forge_with({"protect": []})
    assert outcome(forge, commit_with(forge, MIX), ()) == []


def test_one_who_cannot_tell_is_not_outvoted() -> None:
    forge = forge_with(REFUSE)
    commit = commit_with(forge, MIX)
    good, unknown, bad = (facts(MIX, apps__mix_lock=each) for each in ((61, 0), (None, None), (60, 1)))
    assert outcome(forge, commit, good, good) == []
    assert outcome(forge, commit, good, ()) == []
    for one, other, why in (
        (good, unknown, NO_READER),
        (unknown, good, NO_READER),
        (good, bad, "1 entry without a content hash"),
        (bad, good, "1 entry without a content hash"),
        (unknown, bad, "1 entry without a content hash"),
        (bad, unknown, "1 entry without a content hash"),
    ):
        (reason,) = outcome(forge, commit, one, other)
        assert reason.facts == (f"apps/mix.lock: {why}",)


def test_a_lockfile_that_no_check_sees_is_not_pinned() -> None:
    """The author of a change may narrow the inputs; the honest run then says nothing of the file."""
    forge = forge_with(REFUSE)
    commit = commit_with(forge, {**MIX, ".lfci/config.toml": CONFIG + b'inputs = ["src/"]\n'})
    (reason,) = outcome(forge, commit, facts({}))
    assert reason.facts == (f"apps/mix.lock: {NOT_NAMED}",)


def test_where_nothing_is_required_nothing_is_known() -> None:
    forge = forge_with(REFUSE | {"require": []})
    commit = commit_with(forge, {"src/lib.py": b"1\n"})
    verdict = forge.judge(forge.to_main(commit))
    assert codes(verdict) == {"LFCI214"}
    assert codes(forge.judge(forge.to_main(commit_with(forge, {"flake.lock": None})))) == set()


def test_a_link_with_the_name_of_a_lockfile_is_not_pinned() -> None:
    forge = forge_with(REFUSE)
    files = {**FILES, ".lfci/policy.toml": forge.bootstrap_policy or b"", "deps": b"%{}\n"}
    entries = {path.encode(): (FILE, data) for path, data in files.items()}
    commit = forge.commit_of(
        forge.objects.files({**entries, b"mix.lock": (SYMLINK, b"deps")}), [forge.refs[MAIN]]
    )
    (reason,) = outcome(forge, commit, facts({}))
    assert reason.facts == ("mix.lock: it is no plain file, so its entries are not known",)


def test_the_first_landing_too() -> None:
    policy = policy_text(rules=(RULE | REFUSE,))
    forge = MemoryForge(bootstrap_policy=policy)
    commit = commit_with(forge, {})
    unknown = facts({}, flake_lock=(None, None))
    assert codes(forge.judge(forge.to_main(commit), forge.run(commit, lockfiles=unknown))) == {"LFCI214"}
    assert codes(forge.judge(forge.to_main(commit), forge.run(commit, lockfiles=facts({})))) == set()


def test_many_are_counted_and_some_are_named() -> None:
    forge = forge_with(REFUSE)
    for count, last in (
        (20, f"p19/mix.lock: {NOT_NAMED}"),
        (22, "and 2 more lockfiles are not known to be pinned"),
    ):
        many: dict[str, bytes | None] = {f"p{number:02}/mix.lock": b"%{}\n" for number in range(count)}
        (reason,) = outcome(forge, commit_with(forge, many), facts({}))
        assert reason.facts[0] == f"p00/mix.lock: {NOT_NAMED}"
        assert len(reason.facts) == min(count, 21)
        assert reason.facts[-1] == last


# -- changes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", [REFUSE, {"protect": []}])
def test_lockfiles_that_differ_from_the_base_are_remarked(section: dict[str, Any]) -> None:
    forge = forge_with(section)
    forge.refs[MAIN] = commit_with(forge, {"a/mix.lock": b"1\n", "b/mix.lock": b"1\n", "c/mix.lock": b"1\n"})
    commit = commit_with(
        forge, {"a/mix.lock": b"1\n", "b/mix.lock": b"2\n", "d/\u00fc/mix.lock": b"1\n", "mix.lock.old": b"1"}
    )
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    assert verdict.refs[0].remarks == (
        "lockfile b/mix.lock changed",
        "lockfile c/mix.lock removed",
        "lockfile d/\\xc3\\xbc/mix.lock added",
    )


def test_a_first_landing_changes_no_lockfile() -> None:
    forge = MemoryForge(bootstrap_policy=FILES[".lfci/policy.toml"])
    commit = forge.commit()
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    assert verdict.refs[0].remarks == ("first landing: protected parts were not approved",)


def test_many_changed_lockfiles_are_counted() -> None:
    forge = forge_with({"protect": []})
    commit = commit_with(forge, {f"p{number:02}/mix.lock": b"1\n" for number in range(25)})
    remarks = forge.judge(forge.to_main(commit), forge.run(commit)).refs[0].remarks
    assert remarks[0] == "lockfile p00/mix.lock added"
    assert remarks[20:] == ("and 5 more lockfiles differ from the base",)


def test_a_release_is_compared_with_its_own_base() -> None:
    forge = forge_with({"protect": []})
    forge.refs[MAIN] = commit_with(forge, {"mix.lock": b"1\n"})
    commit = commit_with(forge, {"mix.lock": b"1\n", "src/lib.py": b"1\n"})
    update = RefUpdate("refs/heads/release/1", None, commit)
    assert forge.judge(update, forge.run(commit)).refs[0].remarks == ()
