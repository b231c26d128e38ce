"""The forge's memory of its policy, and of its own landing records: kept alive by each other.

`policy-floor.json` says which version was in force. The landing records say it too, signed; so a
repository whose state was lost, or restored from an older backup than its refs, gets its floor back from
them. The other way round the forge remembers which records it has written: when the notes go back, a
backup was restored, and somebody should know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lfci_gate import canonical, files
from lfci_gate.canonical import Fields
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.facts import LANDED_REF, Limits, PolicyFloor
from lfci_gate.gate.landed import forge_signer
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.records import NOTE_BYTES, lines_of, signed_records, trusted_keys
from lfci_gate.gate.state import ForgeState
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.notes import list_notes
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId, Policy, PublicKey
from lfci_gate.value import Value

_TITLE = b"policy version "
_MAX_BYTES = 64 * 1024
_MOST_LOST = 16


class Written(Value):
    """Which landing records the forge knows (``written.json`` beside the repository)."""

    tip: ObjectId | None = None
    """Of `refs/notes/lfci-landed`, when the forge last looked."""
    lost: tuple[ObjectId, ...] = ()
    """Earlier tips that the notes do not contain any more: a backup was restored."""


class Claimed(Value):
    """What the landing records say about the policy."""

    signed: PolicyFloor | None
    """The highest version that a record says which a trusted key signed."""
    unsigned: int
    """The highest version that only records say which no trusted key signed; 0 when none does."""


def written(state: ForgeState) -> Written:
    """Raises Undecided LFCI505 when what is there cannot be understood."""
    data = files.read_file(_path(state), _MAX_BYTES)
    if data is None:
        return Written()
    what = "known landing records"
    value = canonical.loads(data, code="LFCI505", what=what, max_bytes=_MAX_BYTES)
    fields = Fields(value, error=Undecided, code="LFCI505", what=what)
    tip = fields.nullable("tip", str)
    lost = fields.texts("lost", max_items=_MOST_LOST)
    fields.finish()
    return Written(None if tip is None else ObjectId(tip), tuple(ObjectId(each) for each in lost))


def set_tip(state: ForgeState, tip: ObjectId | None, lost: tuple[ObjectId, ...] | None = None) -> None:
    """The forge has written (or seen) its records up to ``tip``; without ``lost`` the lost ones stay."""
    known = written(state)
    now = Written(tip, known.lost if lost is None else lost)
    if now != known:
        files.write_file(_path(state), canonical.dumps({"tip": now.tip, "lost": list(now.lost)}))


def _path(state: ForgeState) -> str:
    return str(state.directory / "written.json")


def remember(git: Git, view: RepositoryView, state: ForgeState) -> None:
    """Brings the memory up to what the landing records say, where these have changed behind its back; the
    view gets the new floor. Costs a look at one file where nothing has.

    Raises Refusal LFCI410 for malformed notes, Undecided LFCI501, LFCI505.
    """
    tip = view.ref(LANDED_REF)
    known = written(state)
    if tip == known.tip and not known.lost and (tip is None or view.policy_floor is not None):
        return
    lost = [*known.lost]
    if known.tip is not None and not _contains(git, tip, known.tip):
        lost.append(known.tip)
    if tip is not None and (tip != known.tip or view.policy_floor is None):
        floor = view.policy_floor
        found = claimed(git, view, above=0 if floor is None else floor.version).signed
        if found is not None:
            state.raise_floor(found)
            view.policy_floor = state.policy_floor()
    left = tuple(dict.fromkeys(each for each in lost if not _contains(git, tip, each)))[-_MOST_LOST:]
    set_tip(state, tip, left)


def claimed(git: Git, view: RepositoryView, above: int = 0) -> Claimed:
    """What the records say that name a version above ``above``. Of all records only the newest versions
    are looked at closely. Raises as :func:`remember`."""
    tip = view.ref(LANDED_REF)
    if tip is None:
        return Claimed(None, 0)
    policy = policy_in_force(view)
    keys = trusted(git, policy)
    repository = policy.repository if policy is not None else None
    if repository is None and view.policy_floor is not None:
        repository = view.policy_floor.repository
    unsigned = 0
    titled = _titled(view, tip, above)
    for version in sorted(titled, reverse=True):
        for blob in titled[version]:
            lines = lines_of(view.objects.read(blob, limit=NOTE_BYTES).data)
            # The title may say anything; what counts is what is signed.
            for each in signed_records(lines, keys):
                landing = each.landing
                if repository in (None, landing.repository) and landing.policy_version >= version:
                    return Claimed(PolicyFloor(landing.repository, landing.policy_version), unsigned)
        unsigned = max(unsigned, version)
    return Claimed(None, unsigned)


def trusted(git: Git, policy: Policy | None) -> dict[PublicKey, str]:
    """Keys whose records the forge believes: its own, and those that readers may trust (an older key of
    its own in `lfci.forgeKey`, a key of the policy with the role `forge`)."""
    keys = trusted_keys(git, policy)
    try:
        keys[forge_signer(git).public] = "the forge"
    except LfciError:
        return keys  # its key is gone; `forge status` says so
    return keys


def refuse_without_memory(view: RepositoryView) -> None:
    """A forge that has recorded landings has remembered their policy before. Raises Undecided LFCI516 when
    it does not any more: an older policy than before would not be noticed."""
    if view.policy_floor is None and view.ref(LANDED_REF) is not None:
        raise Undecided(
            "LFCI516",
            "the forge has landing records and no memory of its policy: its state was lost",
            hint="on the server: lfci forge fold REPO (it asks the records), then lfci forge status REPO",
        )


def settle(git: Git) -> None:
    """At installation: the floor from the landing records and from the policy that is in force, when
    something has landed. What is wrong with either, `forge status` says."""
    from lfci_gate.gate.forge import open_forge

    state = ForgeState(git.git_dir)
    with open_forge(git) as view:
        remember(git, view, state)
        try:
            authority = rule_02_policy(view, Limits())
        except LfciError:
            return
        # Until something has landed the operator may give the forge another policy.
        if authority.source == "head" or view.ref(LANDED_REF) is not None:
            state.raise_floor(PolicyFloor(authority.policy.repository, authority.policy.version))


def policy_in_force(view: RepositoryView) -> Policy | None:
    """None where rule 2 finds none, or refuses the one that it finds."""
    try:
        return rule_02_policy(view, Limits()).policy
    except LfciError:
        return None


def _titled(view: RepositoryView, tip: ObjectId, above: int) -> dict[int, list[ObjectId]]:
    """Notes by the highest version that their lines for people name, where that is above ``above``. Nearly
    all name the same few versions, and reading signatures takes far longer than this look."""
    blobs = [blob for _, blob in list_notes(view.objects, read_commit(view.objects, tip).tree)]
    found: dict[int, list[ObjectId]] = {}
    for blob, (_, data) in view.objects.read_many(blobs, limit=NOTE_BYTES):
        version = max(_versions(data.split(b"\n")), default=0)
        if version > above:
            found.setdefault(version, []).append(blob)
    return found


def _versions(lines: Iterable[bytes]) -> Iterator[int]:
    for line in lines:
        if line.startswith(b"Landed "):
            number = line.rpartition(_TITLE)[2]
            if number.isdigit() and len(number) <= 15:
                yield int(number)


def _contains(git: Git, tip: ObjectId | None, older: ObjectId) -> bool:
    try:
        return tip is not None and is_ancestor(git, older, tip)
    except Undecided:
        return False  # what cannot be found any more is not contained in anything
