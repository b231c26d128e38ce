"""Landing records: reading the notes of `refs/notes/lfci-landed`.

A note holds lines for people and bundle lines with the signed summaries (:mod:`lfci_gate.gate.landed`
writes them). Who signed a record is the caller's to ask: the forge writes these notes itself, a clone
believes only keys that it trusts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import signed_by
from lfci_gate.attest.keys import parse_public
from lfci_gate.attest.statement import parse_statement
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.notes import read_note
from lfci_gate.git.process import Git
from lfci_gate.model import Landing, ObjectId, ObjectSource, Policy, PublicKey
from lfci_gate.value import Value

FORGE_ROLE = "forge"
"""Role of a policy's key whose landing records are believed."""

NOTE_BYTES = 64 * 1024 * 1024

BREAK_GLASS = b"BREAK-GLASS"
"""What the lines for people have in them where a bypass let something land."""


class Signed(Value):
    """A landing record with the trusted key that signed it."""

    landing: Landing
    key: PublicKey


def record_lines(source: ObjectSource, tip: ObjectId | None, commit: ObjectId) -> tuple[bytes, ...]:
    """The bundle lines of the note on ``commit``. Arguments: ``tip`` of the notes ref, None when there is
    none. Raises Refusal LFCI410 for a malformed notes tree, Undecided LFCI501."""
    if tip is None:
        return ()
    blob = read_note(source, read_commit(source, tip).tree, commit)
    return () if blob is None else lines_of(source.read(blob, limit=NOTE_BYTES).data)


def lines_of(note: bytes) -> tuple[bytes, ...]:
    """The bundle lines of a note's bytes; the others are for people."""
    return tuple(line for line in note.split(b"\n") if line.startswith(b"{"))


def signed_records(lines: Iterable[bytes], trusted: Iterable[PublicKey]) -> Iterator[Signed]:
    """Records that one of the trusted keys signed; a line that is none says nothing."""
    keys = tuple(trusted)
    for line in lines:
        try:
            bundle = parse_bundle(line)
            signers = signed_by(bundle.envelope, keys)
            landing = parse_statement(bundle.envelope.payload) if signers else None
        except LfciError:
            continue
        if isinstance(landing, Landing):
            yield Signed(landing, signers[0])


def landings_of(
    lines: Iterable[bytes], trusted: Iterable[PublicKey], commit: ObjectId, ref: str
) -> tuple[Signed, ...]:
    """The signed records of a commit on a ref, oldest first: it may have landed there more than once."""
    mine = [
        each
        for each in signed_records(lines, trusted)
        if each.landing.commit == commit and each.landing.ref == ref
    ]
    return tuple(sorted(mine, key=lambda each: each.landing.verified_at))


def trusted_keys(git: Git, policy: Policy | None) -> dict[PublicKey, str]:
    """Keys whose landing records are believed, with their names: those of the policy with the role `forge`,
    and those in git config `lfci.forgeKey`. The key of an agent is not among them: it could move its own
    evidence to a time when that had not expired. Raises UsageError LFCI202 for a line that is no key."""
    keys = () if policy is None else policy.keys
    found = {key.public: key.name for key in keys if FORGE_ROLE in key.roles}
    for line in git.settings.get("lfci.forgekey", ()):
        found.setdefault(parse_public(line), "the forge (lfci.forgeKey)")
    return found


def bypasses_of(source: ObjectSource, tip: ObjectId | None, commit: ObjectId) -> frozenset[str]:
    """Ids of the bypasses that let ``commit`` land, whoever signed the record: a forged one can only
    refuse. Raises Undecided LFCI110 for a record that cannot be read: nobody knows what it would say."""
    found = set()
    for line in record_lines(source, tip, commit):
        try:
            landing = parse_statement(parse_bundle(line).envelope.payload)
        except Refusal as error:
            raise Undecided(
                "LFCI110",
                f"a landing record of {commit[:12]} cannot be read, and may say that the bypass was used",
                facts=(error.message,),
                hint="on the server: lfci forge status REPO",
            ) from error
        if isinstance(landing, Landing) and landing.bypass is not None:
            found.add(landing.bypass)
    return frozenset(found)
