"""The world as plain values: files of each commit, branches, keys, policies, evidence, the clock.

Nothing here knows how lfci-gate works; nothing here is imported from it. A tree is what it holds, a
commit is an object of Python, evidence is what it says and whose keys signed it, times are seconds
since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

PLAIN, EXECUTABLE, LINK, GITLINK = 0o100644, 0o100755, 0o120000, 0o160000
File = tuple[int, bytes]
"""Mode and contents; of a symbolic link where it leads, of a gitlink the commit's name in hex."""

CONFIG = b".lfci/config.toml"
POLICY = b".lfci/policy.toml"
FLAKE = (b"flake.lock", b"flake.nix")
MAIN = "refs/heads/main"
REPOSITORY = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11"
ELSEWHERE = "11111111-2222-3333-4444-555555555555"
SKEW = 300
DAY = 86_400


class Brief:
    """Shows only what differs from the defaults."""

    def __repr__(self) -> str:
        shown = []
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            if value != each.default:
                shown.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


# -- trees and commits -------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """Files by path, sorted; equal when they hold the same."""

    items: tuple[tuple[bytes, File], ...] = ()

    @classmethod
    def of(cls, files: Mapping[bytes, File]) -> Tree:
        return cls(tuple(sorted(files.items())))

    @cached_property
    def files(self) -> Mapping[bytes, File]:
        return dict(self.items)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        names = {PLAIN: "", EXECUTABLE: "*", LINK: "@", GITLINK: "#"}
        return "{" + " ".join(path.decode() + names[mode] for path, (mode, _) in self.items) + "}"

    def get(self, path: bytes) -> File | None:
        return self.files.get(path)

    def plain(self, path: bytes) -> bytes | None:
        """The contents of an ordinary file."""
        found = self.files.get(path)
        return found[1] if found is not None and found[0] in (PLAIN, EXECUTABLE) else None

    def edited(self, changes: Mapping[bytes, File | None]) -> Tree:
        """With these files (None removes one); what stands in their way goes."""
        files = dict(self.files)
        for path, new in changes.items():
            if new is None:
                files.pop(path, None)
                continue
            for other in list(files):
                if other.startswith(path + b"/") or path.startswith(other + b"/"):
                    del files[other]
            files[path] = new
        return Tree.of(files)

    def moved(self, old: bytes, new: bytes) -> Tree:
        """A file or folder under another name."""
        below = {
            path: new + path[len(old) :] for path in self.files if path == old or path.startswith(old + b"/")
        }
        kept = {path: each for path, each in self.files.items() if path not in below}
        return Tree.of(kept).edited({to: self.files[path] for path, to in below.items()})

    def kept(self, wanted: Callable[[bytes, int], bool]) -> Tree:
        return Tree(tuple((path, each) for path, each in self.items if wanted(path, each[0])))

    def differing(self, other: Tree) -> frozenset[bytes]:
        """Paths whose mode or contents are not the same in both."""
        paths = self.files.keys() | other.files.keys()
        return frozenset(path for path in paths if self.files.get(path) != other.files.get(path))


EMPTY = Tree()


@dataclass(frozen=True, eq=False)
class Commit:
    """A commit; two with the same contents are two."""

    number: int
    tree: Tree
    parents: tuple[Commit, ...] = ()
    trailers: tuple[Evidence, ...] = ()
    """Inline in the message: one is the form, two are a fault."""
    early_trailer: bool = False
    """The trailer is not in the last paragraph."""

    def __repr__(self) -> str:
        return f"c{self.number}{self.tree}<-{','.join(f'c{each.number}' for each in self.parents)}"

    def history(self) -> list[Commit]:
        """Itself and all its ancestors."""
        found = [self]
        for each in found:
            found += [parent for parent in each.parents if parent not in found]
        return found


@dataclass(frozen=True, eq=False)
class Tag:
    """An annotated tag."""

    number: int
    target: Target


@dataclass(frozen=True)
class Odd:
    """A blob or a tree, where a ref expects a commit."""

    kind: str


Target = Commit | Tag | Odd


def peeled(target: Target) -> Commit | None:
    """The commit that a target leads to."""
    while isinstance(target, Tag):
        target = target.target
    return target if isinstance(target, Commit) else None


# -- what the project declares -----------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Check(Brief):
    name: str
    run: str = "run-tests"
    inputs: tuple[str, ...] = ("**",)
    report: bool = True
    timeout: str = "15m"


@dataclass(frozen=True, repr=False)
class Config(Brief):
    checks: tuple[Check, ...]

    def check(self, name: str) -> Check | None:
        return next((each for each in self.checks if each.name == name), None)


# -- policies ----------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Key(Brief):
    """A key of the policy; ``holder`` names the key pair, one for each name."""

    name: str
    holder: str
    roles: tuple[str, ...]
    identity: str | None = None
    pushers: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    revoked: int | None = None

    @property
    def who(self) -> str:
        return self.identity or self.name


@dataclass(frozen=True, repr=False)
class Scope(Brief):
    """Where a role counts."""

    role: str
    refs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Delegation(Brief):
    granter: str
    to: str
    until: int
    refs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Need(Brief):
    """A required check."""

    check: str
    roles: tuple[str, ...]
    threshold: int = 1
    engines: tuple[str, ...] = ("develop", "build")
    hermetic: bool = True
    report: bool = True
    assurance: str = "claimed"
    verifiers: tuple[str, ...] = ("verifier",)


@dataclass(frozen=True, repr=False)
class Guard(Brief):
    """Protected paths."""

    paths: tuple[str, ...]
    roles: tuple[str, ...] = ("maintainer",)
    threshold: int = 1


@dataclass(frozen=True, repr=False)
class BreakGlass(Brief):
    roles: tuple[str, ...]
    threshold: int
    longest: int
    waives: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Rule(Brief):
    refs: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    guards: tuple[Guard, ...] = ()
    each: bool = False
    max_age: int | None = None
    bind: tuple[str, ...] = ()
    any_update: bool = False
    gitlinks: bool = False
    removed: str = "allow"
    unpinned: str = "allow"
    nix: str | None = None
    pusher: str = "any"
    glass: BreakGlass | None = None


@dataclass(frozen=True, repr=False)
class Policy(Brief):
    version: int
    keys: tuple[Key, ...]
    rules: tuple[Rule, ...]
    repository: str = REPOSITORY
    bootstrap: str = "report"
    scopes: tuple[Scope, ...] = ()
    delegations: tuple[Delegation, ...] = ()


# -- evidence ----------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Document(Brief):
    """What a run found: its result document."""

    check: str
    exit_code: int = 0
    tests: tuple[tuple[str, str], ...] = ()

    def count(self, outcome: str) -> int:
        return sum(found == outcome for _, found in self.tests)


@dataclass(frozen=True, repr=False)
class Run(Brief):
    """A check ran and ended so."""

    subject: Tree
    check: str
    definition: Check
    document: Document
    flake: tuple[tuple[bytes, bytes], ...]
    """Contents of the flake files that the run saw."""
    issued: int
    serial: int
    passed: bool = True
    repository: str = REPOSITORY
    counted: bool = True
    """The statement has counts of tests; without a report it has none."""
    lockfiles: tuple[tuple[bytes, bytes, int | None], ...] = ()
    """Path, contents, and how many entries are not pinned, where that is known."""
    session: bool = False
    base: Commit | None = None
    """Of the session, when there is one."""
    target: str | None = None
    engine: str = "develop"
    hermetic: bool = True
    nix: str = "2.34.8"
    drv: str = "0"
    system: str = "x86_64-linux"
    started_after: bool = False
    """It says that it began after it was issued."""


@dataclass(frozen=True, repr=False)
class Approval(Brief):
    """A reviewer approves that these paths go from one state to another."""

    to: Tree
    origin: Tree
    ref: str
    paths: tuple[str, ...]
    issued: int
    serial: int
    repository: str = REPOSITORY


@dataclass(frozen=True, repr=False)
class Finding(Brief):
    """A verifier looked at a run."""

    subject: Tree
    check: str
    definition: Check
    drv: str
    method: str
    issued: int
    serial: int
    reproduced: bool = True
    result: Document | None = None
    system: str = "x86_64-linux"
    repository: str = REPOSITORY
    about: Run | None = None


@dataclass(frozen=True, repr=False)
class Bypass(Brief):
    """Some holders together let one exact change land."""

    commit: Commit
    ref: str
    old: Commit | None
    waives: tuple[str, ...]
    not_after: int
    issued: int
    serial: int
    repository: str = REPOSITORY


Statement = Run | Approval | Finding | Bypass


@dataclass(frozen=True, repr=False)
class Evidence(Brief):
    """A statement and whose signatures are on it."""

    statement: Statement
    signers: tuple[str, ...]
    """Holders whose signature verifies."""
    spoiled: bool = False
    """The first signature is of other bytes: it verifies with no key."""

    @property
    def good(self) -> tuple[str, ...]:
        return self.signers[1:] if self.spoiled else self.signers


# -- pushes and the forge -----------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Delivery(Brief):
    """Evidence in an inbox ref."""

    evidence: Evidence
    fault: str = ""
    """``no bundle``, ``no document``, ``other document`` or ``other subject``: what is wrong with the inbox
    ref."""


@dataclass(frozen=True, repr=False)
class Update(Brief):
    """One ref of a push; for an inbox ref the name follows from the delivery."""

    ref: str
    old: Target | None
    new: Target | None


@dataclass(frozen=True, repr=False)
class Push(Brief):
    updates: tuple[Update, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    pusher: str | None = None


@dataclass
class Forge:
    """What has landed, and what the forge remembers."""

    bootstrap: bytes
    clock: int
    refs: dict[str, Target] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    inbox: dict[Statement, Delivery] = field(default_factory=dict)
    """Not folded yet, or never to be."""
    notes: list[Evidence] = field(default_factory=list)
    documents: set[Document] = field(default_factory=set)
    """Result documents that were folded."""
    server_policy: bytes | None = None
    floor: tuple[str, int] | None = None
    spent: set[Statement] = field(default_factory=set)
    """Bypasses that were used."""
    tips: set[Commit] = field(default_factory=set)
    """Commits that landed as the tip of the branch of HEAD, as the record says."""
    names_pushers: bool = False
    """The forge's software says who pushes."""

    def evidence(self) -> Iterator[Evidence]:
        """All that has arrived."""
        yield from self.notes
        for delivery in self.inbox.values():
            yield delivery.evidence


class Documents:
    """What bytes mean: every policy and configuration that is written somewhere, by its text.

    Bytes that are not in here are malformed.
    """

    def __init__(self) -> None:
        self.policies: dict[bytes, Policy] = {}
        self.configs: dict[bytes, Config] = {}
