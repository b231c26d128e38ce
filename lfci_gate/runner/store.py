"""The objects of one repository at the runner, and what it has signed about them.

A bare repository of the runner's own for each repository id, so nothing that was given for one is seen
in another. Objects come by `git fetch` from the sources that the operator named, or as a pack that somebody
sent; the pack is indexed strictly, beside the repository, and moved in only when git has hashed every object
and found every link of it. Nothing of a client's or a source's configuration is ever read.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from lfci_gate import files
from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import signed_by
from lfci_gate.attest.statement import parse_statement
from lfci_gate.clone.known import Question
from lfci_gate.config.runner import MIB, RepositoryPlace
from lfci_gate.engines.scratch import remove_tree
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.git.inbox import INBOX, parse_inbox_ref, read_inbox_tree
from lfci_gate.git.names import is_oid
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import list_refs, update_refs
from lfci_gate.model import CheckRun, Engine, ObjectId, Outcome, PublicKey
from lfci_gate.runner.intake import fetch, index_pack
from lfci_gate.runner.wire import Answer

__all__ = ["Store"]

_KEPT: Final = "refs/lfci/kept/"
_SOURCES: Final = "refs/lfci/sources/"
_TIDY_S: Final = 1800
_KEEP: Final = 32
"""Commits from packs whose objects stay, so that the next pack can be small."""
_KEEP_MOST: Final = 96
"""More than these are tidied away when nothing runs."""
_MAX_HAVE: Final = 32


class Store:
    """One repository. For any thread; :meth:`fetch` and :meth:`tidy` from one at a time."""

    def __init__(self, top: Path, place: RepositoryPlace, incoming: Path) -> None:
        self.id = place.id
        self.packs = place.packs
        self._hash_name = place.hash_name
        self._most_bytes = place.fetch_mib * MIB
        self._sources = place.sources
        self._top = top
        self._incoming = incoming
        self._fetched_at = float("-inf")
        self.writing = threading.Lock()
        """Held by whoever has git write objects here, but for :meth:`fetch`."""
        self.git = Git(
            top,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            extra={
                # nothing of a home or of the machine decides what git does here
                "HOME": str(incoming),
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
                "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes",
                "LFCI_RUNNER_STATE": f"{incoming}/",  # how the next start finds orphans
            },
        )

    def open(self) -> None:
        """Makes the repository where there is none, and clears what was left half done.

        Raises UsageError LFCI524 when it is of another object format, Undecided LFCI513 or LFCI520.
        """
        if not (self._top / "HEAD").exists():
            with files.os_errors("make a repository of the runner's", self._top):
                self._top.mkdir(mode=0o700, parents=True, exist_ok=True)
            form = f"--object-format={self._hash_name}"
            self.git.run("init", "-q", "--bare", "--template=", form, ".")
        if self.git.hash_name != self._hash_name:
            raise UsageError(
                "LFCI524",
                f"the runner's copy of {self.id} has {self.git.hash_name} objects, not {self._hash_name}",
                hint=f"correct object-format in runner.toml, or remove {self._top}",
            )
        with files.os_errors("clear a repository of the runner's", self._top):
            for lock in self._top.rglob("*.lock"):
                lock.unlink()  # the runner's own, and it is not alive: the state's lock is held
        self._remove_pieces()

    # -- objects ---------------------------------------------------------------------------------------

    def has(self, commit: ObjectId) -> bool:
        """Whether the commit is here. Raises Refusal LFCI403 for an object that is none."""
        with BatchReader(self.git) as objects:
            if not is_oid(commit, objects.hash_name):
                raise Refusal("LFCI528", f"the repository has no objects with names like {commit[:12]}")
            try:
                kind, _ = objects.stat(commit)
            except Undecided:
                return False
            if kind != "commit":
                raise Refusal("LFCI403", f"{commit[:12]} is a {kind}, and a runner checks commits")
            return True

    def fetch(self, since: float) -> None:
        """Fetches branches and tags of all sources, unless that was begun after ``since`` (monotonic time).

        Raises Undecided LFCI513 when no source could be fetched from.
        """
        if not self._sources or self._fetched_at > since:
            return
        self._fetched_at = time.monotonic()
        done = 0
        for number, source in enumerate(self._sources):
            into = f"{_SOURCES}{number}/"
            refspecs = (f"+refs/heads/*:{into}heads/*", f"+refs/tags/*:{into}tags/*")
            try:
                fetch(self.git, source, refspecs, self._most_bytes)
                done += 1
            except LfciError:
                self._remove_pieces()
        if not done:
            # Which they are, and what they said, is none of the asker's business.
            raise Undecided("LFCI513", "the runner could not fetch from its sources", hint="ask its operator")

    def _remove_pieces(self) -> None:
        """Removes what a fetch has left that failed."""
        with self.writing, files.os_errors("clear a repository of the runner's", self._top):
            for left in self._top.glob("objects/pack/tmp_*"):
                left.unlink()

    def have(self) -> tuple[ObjectId, ...]:
        """Trees whose objects are all here, the newest first: a pack can leave them out."""
        refs = list_refs(self.git, _KEPT)
        newest = sorted(refs, reverse=True)[:_MAX_HAVE]
        with BatchReader(self.git) as objects:
            found = [objects.resolve(f"{refs[ref]}^{{tree}}") for ref in newest]
        return tuple(tree for tree in found if tree is not None)

    def take_pack(self, pack: Path, commit: ObjectId, most_bytes: int) -> None:
        """Takes the objects of the file ``pack``, which must be all that ``commit`` needs and is not here.

        Raises Refusal LFCI530, Undecided LFCI502 or LFCI520; then nothing of it is kept.
        """
        place = self._incoming / f"objects-{pack.name}"
        objects = self._top / "objects" / "pack"
        with files.os_errors("take objects", place):
            place.mkdir(mode=0o700)
            try:
                index_pack(self.git, pack, place, commit, most_bytes)
                for name in sorted(os.listdir(place / "pack"), key=lambda name: name.endswith(".idx")):
                    _sync(place / "pack" / name)
                    # The index last: then git sees the pack.
                    os.replace(place / "pack" / name, objects / name)
                _sync(objects)
                self.keep(commit)
            finally:
                remove_tree(place)

    def keep(self, commit: ObjectId) -> None:
        """Names the commit, so that its objects stay for a while."""
        with self.writing:
            if commit not in list_refs(self.git, _KEPT).values():
                update_refs(self.git, [(f"{_KEPT}{int(time.time()):011d}-{commit}", None, commit)])

    # -- results ---------------------------------------------------------------------------------------

    def remembered(
        self, question: Question, key: PublicKey, name: str, now: datetime, keep_s: int
    ) -> Answer | None:
        """What this runner signed last for the question within ``keep_s`` seconds, when that is PASSED."""
        best: tuple[datetime, Answer] | None = None
        with BatchReader(self.git) as objects:
            for tree in list_refs(self.git, f"{INBOX}{question.inputs}").values():
                try:
                    run, answer = _own(objects, tree, key)
                except LfciError:
                    continue  # not in form, so not this runner's
                fits = (
                    (run.repository, run.check, run.attester) == (self.id, question.definition.name, name)
                    and (run.inputs_tree, run.definition) == (question.inputs, question.definition.digest)
                    and (run.system, run.engine) == (question.system, Engine.BUILD)
                    and now - timedelta(seconds=keep_s) < run.issued_at <= now
                )
                if fits and (best is None or run.issued_at > best[0]):
                    best = run.issued_at, answer
        # A failure after it takes a pass back: this key's word is its newest one.
        return best[1] if best is not None and best[1].outcome is Outcome.PASSED else None

    def tidy(self, now: datetime, keep_s: int, *, all_results: bool) -> None:
        """Forgets old results and commits, and packs what is left. Only when nothing of it is in use.

        Arguments: ``all_results`` also looks through the results, which reads every one of them.
        """
        kept = sorted(list_refs(self.git, _KEPT).items())
        gone = kept[:-_KEEP]
        if not all_results and len(kept) <= _KEEP_MOST:
            return
        if all_results:
            gone += list(self._old_results(now - timedelta(seconds=keep_s)))
        if gone:
            update_refs(self.git, [(ref, oid, None) for ref, oid in gone])
        if gone or all_results:
            self.git.run("repack", "-a", "-d", "-q", timeout_s=_TIDY_S)
            self.git.run("prune", "--expire=now", timeout_s=_TIDY_S)

    def _old_results(self, before: datetime) -> Iterable[tuple[str, ObjectId]]:
        with BatchReader(self.git) as objects:
            for ref, tree in list_refs(self.git, INBOX).items():
                try:
                    line, _ = read_inbox_tree(objects, tree)
                    run = parse_statement(parse_bundle(line).envelope.payload)
                    old = not isinstance(run, CheckRun) or run.issued_at < before
                except LfciError:
                    old = True
                if old or parse_inbox_ref(ref) is None:
                    yield ref, tree


def _sync(path: Path) -> None:
    """What a ref names must outlive a power failure, as the ref does."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _own(objects: BatchReader, tree: ObjectId, key: PublicKey) -> tuple[CheckRun, Answer]:
    """The run that ``key`` signed and an inbox tree holds. Raises Refusal for anything else."""
    line, document = read_inbox_tree(objects, tree)
    envelope = parse_bundle(line).envelope
    if not signed_by(envelope, (key,)):
        raise Refusal("LFCI103", "not signed by this runner")
    run = parse_statement(envelope.payload)
    if not isinstance(run, CheckRun) or document is None:
        raise Refusal("LFCI110", "not the result of a check")
    answer = Answer(run.check, run.result, True, line, document, derivation=run.drv_path)
    return run, answer
