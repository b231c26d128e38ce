"""Rules 7 and 8: find candidates, keep those that a key of the policy signed. Pure.

The order is never changed: bytes within the size caps, strict envelope, signature by a key of the
policy, and only then the statement is parsed, from those same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lfci_gate.attest.bundle import parse_bundle, parse_note
from lfci_gate.attest.dsse import Envelope, attestation_id, signed_by
from lfci_gate.attest.statement import parse_statement
from lfci_gate.errors import Refusal, Undecided
from lfci_gate.gate.facts import NOTES_REF, Limits, View
from lfci_gate.git.commit import Commit, parse_commit
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.notes import read_note
from lfci_gate.git.trailers import find_trailers
from lfci_gate.model import ObjectId, Policy, PolicyKey, PublicKey, Reason, Statement
from lfci_gate.value import Value, replace

_NOTE_BYTES = 64 * 1024 * 1024


class Candidate(Value):
    """Bytes that somebody offers as evidence; nothing about them is known yet."""

    origin: str
    """For messages: ``inbox``, ``notes`` or ``trailer``."""
    line: bytes


class Evidence(Value):
    """A statement that keys of the policy signed."""

    id: str
    statement: Statement
    keys: tuple[PolicyKey, ...]
    line: bytes
    signatures: tuple[bytes, ...]
    """Of all envelopes that it came in."""
    payload: bytes
    """The signed bytes that ``statement`` was read from."""


class Found(Value):
    """All that is known about one subject."""

    evidence: tuple[Evidence, ...]
    rejected: tuple[Reason, ...]
    """Why the other candidates are not evidence."""

    def plus(self, other: Found) -> Found:
        return Found(self.evidence + other.evidence, self.rejected + other.rejected)


class EvidenceBook:
    """Candidates of a push and of the landed side, verified against one policy, each once."""

    def __init__(
        self,
        view: View,
        policy: Policy,
        limits: Limits,
        pushed: Mapping[ObjectId, tuple[Candidate, ...]],
    ) -> None:
        self._view = view
        self._limits = limits
        self._policy = policy.digest
        self._pushed = pushed
        self._keys = {key.public: key for key in policy.keys}
        self._by_fingerprint = {key.public.fingerprint: key.public for key in policy.keys}
        self._verifications = 0
        self._known: dict[bytes, Evidence | Reason] = {}
        self._notes_tree: ObjectId | None = None
        self._notes_read = False

    def about(self, subject: ObjectId, commit: Commit | None = None) -> Found:
        """Evidence offered for ``subject``. Raises Undecided when what is there cannot be read."""
        lines = [*self._of_inbox(subject), *self._of_notes(subject), *self._pushed.get(subject, ())]
        if commit is not None:
            lines += _of_trailers(commit)
        if len(lines) > self._limits.candidates:
            raise Undecided(
                "LFCI503",
                f"{len(lines)} candidates for one subject, more than {self._limits.candidates}",
                hint="ask the operator to run: lfci forge fold REPO",
            )
        return self._sorted(lines)

    def beside(self, subject: ObjectId) -> Found:
        """What this push offers for anything else. None of it can count for ``subject`` (an inbox ref
        names the subject of its statement); it tells a pusher that it is of another tree."""
        return self._sorted(
            line for other, lines in self._pushed.items() if other != subject for line in lines
        )

    def _sorted(self, candidates: Iterable[Candidate]) -> Found:
        seen: dict[str, Evidence] = {}
        rejected: list[Reason] = []
        for candidate in candidates:
            outcome = self._verified(candidate)
            if isinstance(outcome, Reason):
                rejected.append(outcome)
            else:
                seen[outcome.id] = self._merged(seen.get(outcome.id), outcome)
        return Found(tuple(seen.values()), tuple(rejected))

    # -- rule 7: where candidates are ---------------------------------------------------

    def _of_inbox(self, subject: ObjectId) -> list[Candidate]:
        found = []
        refs = self._view.inbox().get(subject, ())
        # Looked at by the fold with this very policy: else a flood of junk would use up the
        # verifications of every push about this subject.
        junk = self._view.unverified(self._policy) if refs else ()
        for ref, tree in refs:
            if ref in junk:
                continue
            try:
                line, _result = read_inbox_tree(self._view.objects, tree)
            except Refusal:
                continue  # rule 3 keeps malformed ones out; one from before the gate is no evidence
            found.append(Candidate("inbox", line))
        return found

    def _of_notes(self, subject: ObjectId) -> list[Candidate]:
        tree = self._landed_notes()
        if tree is None:
            return []
        blob = read_note(self._view.objects, tree, subject)
        if blob is None:
            return []
        data = self._view.objects.read(blob, limit=_NOTE_BYTES).data
        lines, first, most = parse_note(data), self._limits.first_noted, self._limits.noted
        if len(lines) > most:
            lines = (*lines[:first], *lines[len(lines) - (most - first) :])
        return [Candidate("notes", line) for line in lines]

    def _landed_notes(self) -> ObjectId | None:
        if not self._notes_read:
            commit = self._view.ref(NOTES_REF)
            if commit is not None:
                data = self._view.objects.read(commit).data
                self._notes_tree = parse_commit(data, self._view.objects.hash_name).tree
            self._notes_read = True
        return self._notes_tree

    # -- rule 8: whose signature ------------------------------------------------------------

    def _verified(self, candidate: Candidate) -> Evidence | Reason:
        known = self._known.get(candidate.line)
        if known is None:
            try:
                known = self.verify(candidate)
            except Refusal as error:
                known = Reason(error.code, error.message, error.hint, facts=error.facts)
            self._known[candidate.line] = known
        return known

    def verify(self, candidate: Candidate) -> Evidence:
        """Rule 8 for one candidate. Raises Refusal LFCI102, LFCI103, LFCI110; Undecided LFCI503."""
        if len(candidate.line) > self._limits.bundle_bytes:
            raise Refusal("LFCI110", f"an attestation in the {candidate.origin} is too large")
        bundle = parse_bundle(candidate.line)
        envelope = bundle.envelope
        # One question about all keys: asked twice, a signature could count for a second key.
        keys = signed_by(envelope, self._in_turn(len(envelope.signatures), bundle.hint))
        if not keys:
            raise self._unverified(bundle.hint, candidate.origin)
        statement = parse_statement(envelope.payload)
        signers = tuple(self._keys[key] for key in keys)
        return Evidence(
            attestation_id(envelope),
            statement,
            signers,
            candidate.line,
            envelope.signatures,
            envelope.payload,
        )

    def _in_turn(self, signatures: int, hint: str) -> Iterator[PublicKey]:
        """The keys that may have signed, each paid for when its turn comes. The hint is only a hint: it says
        who comes first, and every key of the policy may have signed."""
        hinted = self._by_fingerprint.get(hint)
        if hinted is not None:
            self._spend(signatures)
            yield hinted
        for key in self._keys:
            if key != hinted:
                self._spend(signatures)
                yield key

    def _merged(self, one: Evidence | None, other: Evidence) -> Evidence:
        """The same statement may lie in several envelopes, signed by different keys; all count. It is asked
        again who signed, about all signatures together: in two envelopes one signature could count for
        two keys, as within one it cannot."""
        if one is None or set(other.keys) <= set(one.keys):
            return other if one is None else one
        signatures = tuple(dict.fromkeys(one.signatures + other.signatures))
        asked = dict.fromkeys(key.public for key in one.keys + other.keys)
        self._spend(len(signatures) * len(asked))
        keys = signed_by(Envelope(one.payload, signatures), asked)
        return replace(one, keys=tuple(self._keys[key] for key in keys), signatures=signatures)

    def _unverified(self, hint: str, origin: str) -> Refusal:
        named = self._by_fingerprint.get(hint)
        if named is not None:
            name = self._keys[named].name
            return Refusal(
                "LFCI102",
                f"an attestation in the {origin} is not signed by the key it names",
                facts=(f"named key: {name} ({hint})",),
            )
        return Refusal(
            "LFCI103",
            f"an attestation in the {origin} is signed by a key that the policy does not know",
            facts=(f"key: {ascii(hint)[1:-1]}",),
        )

    def _spend(self, verifications: int) -> None:
        self._verifications += verifications
        if self._verifications > self._limits.verifications:
            raise Undecided(
                "LFCI503",
                f"more than {self._limits.verifications} signatures to verify in one push",
                hint="ask the operator to run: lfci forge fold REPO",
            )


def _of_trailers(commit: Commit) -> list[Candidate]:
    """An inline attestation; a ``sha256:`` trailer only points at evidence that lies elsewhere.

    Raises Refusal LFCI409 for trailers that could be read in two ways.
    """
    value = find_trailers(commit.message).get("Lfci-Attestation")
    if value is None:
        return []
    from lfci_gate.attest.trailer import parse_trailer  # few commits have one

    kind, content = parse_trailer(value)
    if isinstance(content, bytes):
        return [Candidate("trailer", content)]
    assert kind == "sha256"
    return []


def reason_of(
    code: str,
    message: str,
    *,
    check: str | None = None,
    commit: ObjectId | None = None,
    facts: tuple[str, ...] = (),
    hint: str = "",
) -> Reason:
    """A reason with the catalogue's remedy when no nearer hint is known."""
    from lfci_gate.codes import CODES  # a table that nobody needs who has no reason to give

    return Reason(code, message, hint or CODES[code].remedy, check, commit, facts)
