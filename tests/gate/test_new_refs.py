"""What a protected ref that does not exist yet is compared with, on a forge that records its landings."""

from __future__ import annotations

from lfci_gate.gate.bases import is_landing_on
from lfci_gate.model import ObjectId, Statement
from lfci_gate.value import replace
from tests.support.evidence import BYPASS, CHECK_RUN, LANDING, oid
from tests.support.forge import AGENT, RULE, Developer, policy_text
from tests.support.statements import bundle

DEV = {"refs": ["refs/heads/dev/*"]}
WEAKER = {"tests/test_lib.py": b"def test_answer():\n    pass\n"}
AS_BEFORE = {"tests/test_lib.py": b"def test_answer():\n    assert True\n"}
RELEASE = "refs/heads/release/1"


def test_a_commit_in_the_middle_of_a_landing_is_no_base(ada: Developer) -> None:
    first = ada.repo.line("rev-parse", "HEAD")
    middle = ada.edit(WEAKER)
    tip = ada.edit(AS_BEFORE)
    ada.lands("origin", "main", ada.evidence(tip))
    ada.refused("LFCI206", "origin", f"{middle}:{RELEASE}", ada.evidence(middle))
    # A landing on a branch with another rule does not make it one.
    ada.forge.set_policy(policy_text(rules=(RULE, {**DEV, "require": RULE["require"]})))
    ada.lands("origin", f"{middle}:refs/heads/dev/1", ada.evidence(middle))
    ada.refused("LFCI206", "origin", f"{middle}:{RELEASE}")
    # What was the tip once is a base, with its own protected paths, however old.
    ada.repo.git("checkout", "-q", "--detach", tip)
    further = ada.edit(WEAKER)
    ada.lands("origin", f"{further}:main", ada.evidence(further), *ada.approvals(further, tip))
    ada.lands("origin", f"{first}:{RELEASE}")


def test_without_a_record_the_tip_is_the_base(ada: Developer) -> None:
    """A lost record makes the gate ask for more approvals, never for fewer."""
    old = ada.repo.line("rev-parse", "HEAD")
    changed = ada.edit(WEAKER)
    ada.lands("origin", "main", ada.evidence(changed), *ada.approvals(changed, old))
    ada.forge.repo.git("update-ref", "-d", "refs/notes/lfci-landed")
    ada.refused("LFCI206", "origin", f"{old}:{RELEASE}")
    ada.lands("origin", f"{old}:{RELEASE}", *ada.approvals(old, changed, ref=RELEASE))


def test_a_record_is_of_one_commit_and_one_ref(ada: Developer) -> None:
    commit = ObjectId(ada.repo.line("rev-parse", "HEAD"))
    note = ada.forge.note("lfci-landed", commit)
    assert is_landing_on(note, commit, "refs/heads/main")
    assert not is_landing_on(note, commit, RELEASE)
    assert not is_landing_on(note, ObjectId("1" * 40), "refs/heads/main")
    assert not is_landing_on(b"Landed on refs/heads/main\n{}\n{broken\n", commit, "refs/heads/main")


def recorded(*statements: Statement, of: ObjectId = LANDING.commit, ref: str = LANDING.ref) -> bool:
    """Whether a note with these lines, and the line for people before each, says that the ref was moved."""
    lines = [b"Landed on refs/heads/main\n" + bundle(each, AGENT) for each in statements]
    return is_landing_on(b"\n".join(lines) + b"\n", of, ref)


def test_any_line_of_a_note_may_be_the_record() -> None:
    other = replace(LANDING, ref=RELEASE)
    assert recorded(LANDING)
    assert recorded(other, LANDING)
    assert recorded(LANDING, other)
    assert recorded(other, LANDING, ref=RELEASE)
    assert not recorded(other)
    assert not recorded(LANDING, other, of=oid("another"))
    assert is_landing_on(b"{\n{}\n" + bundle(LANDING, AGENT), LANDING.commit, LANDING.ref)


def test_only_a_landing_is_a_record_of_one() -> None:
    """A bypass names a commit and a ref, too: those that it was offered for."""
    assert not recorded(replace(BYPASS, commit=LANDING.commit, ref=LANDING.ref))
    assert not recorded(CHECK_RUN)
    assert recorded(CHECK_RUN, LANDING)
