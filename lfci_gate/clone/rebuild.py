"""Realise attested derivations again and compare the results (`rebuilt`).

The derivation is the one that the tree gives here; what is built is the environment, where it is not
there yet, and always the run itself, in Nix's sandbox. A result that differs is built once more before
anything is said: one that differs from itself proves nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path

from lfci_gate.attest.results import MAX_RESULT_BYTES, parse_result, result_document
from lfci_gate.clone.check import store_inputs
from lfci_gate.clone.differences import between, diffoscope, tests_between
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.finding import REBUILT, Answer, Finding, no_derivation, other_derivation
from lfci_gate.clone.known import ask
from lfci_gate.clone.verify import Claim, Verified
from lfci_gate.engines.outcome import Progress, RunResult
from lfci_gate.engines.run import Doubt, run_check
from lfci_gate.engines.scratch import interruptible, run_directory
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.facts import RESULTS_REF
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.inbox import inbox_ref, read_inbox_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.results import read_result
from lfci_gate.model import Engine, Outcome, ResultDocument, Sha256
from lfci_gate.nix.process import NixVersion, stop_all
from lfci_gate.store import ContentStore
from lfci_gate.system import current_system
from lfci_gate.value import Value

__all__ = ["How", "Rebuilder"]


class How(Value):
    """How to rebuild."""

    fresh: bool
    """In a store made for this, with nothing of the machine's."""
    jobs: int
    """Builds at once."""


class _Build(Value):
    """One derivation, and everybody who claims a result of it."""

    claims: tuple[Claim, ...]


Hear = Callable[[Finding], None]
MakeProgress = Callable[[str], Progress]


class Rebuilder:
    """Rebuilds in one clone."""

    def __init__(self, git: Git, objects: BatchReader, how: How, progress: MakeProgress) -> None:
        self._git = git
        self._objects = objects
        self._how = how
        self._progress = progress
        self._work = Path(git.common_dir) / "lfci"
        self._cas = ContentStore(self._work / "cas")
        self._lock = threading.Lock()

    def rebuild(self, verified: Sequence[Verified], skip: Iterable[str], hear: Hear) -> None:
        """Answers every claim but those whose ids are in ``skip``; each derivation is built once.

        Arguments:
            hear: called with each finding as it is made, from this thread.

        Raises Undecided LFCI314 when interrupted; nothing of a build is left then.
        """
        builds = self._builds(verified, frozenset(skip))
        if not builds:
            return
        try:
            # A store of its own goes with the run's directory, whatever ends this.
            own = run_directory(self._work, plain=True) if self._how.fresh else nullcontext()
            with interruptible(), own as place:
                store = None if place is None else place / "store"
                if self._how.jobs == 1 or len(builds) == 1:
                    for build in builds:
                        for finding in self._answer(build, store):
                            hear(finding)
                else:
                    self._at_once(builds, store, hear)
        except KeyboardInterrupt as reason:
            facts = tuple(map(str, reason.args))
            raise Undecided("LFCI314", "the rebuild was interrupted", facts=facts) from None

    def _builds(self, verified: Sequence[Verified], skip: frozenset[str]) -> list[_Build]:
        groups: dict[tuple[str, ...], dict[str, Claim]] = {}
        for each in verified:
            tree = read_commit(self._objects, each.commit).tree
            for claim in each.claims:
                if claim.id in skip:
                    continue
                run = claim.run
                key = (run.inputs_tree, claim.definition.digest, run.drv_path, run.system)
                if key not in groups:
                    # Here, because a thread must not share this reader.
                    ref = each.verdict.update.ref
                    question = ask(self._objects, tree, claim.definition, ref, None, run.system)
                    store_inputs(self._git, self._objects, question)
                groups.setdefault(key, {})[claim.id] = claim
        return [_Build(tuple(claims.values())) for claims in groups.values()]

    def _at_once(self, builds: list[_Build], store: Path | None, hear: Hear) -> None:
        with ThreadPoolExecutor(max_workers=self._how.jobs, thread_name_prefix="rebuild") as pool:
            waiting: set[Future[list[Finding]]] = {
                pool.submit(self._answer, build, store) for build in builds
            }
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
                    for each in done:
                        for finding in each.result():
                            hear(finding)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                while any(not each.done() for each in waiting):
                    stop_all()
                    wait(waiting, timeout=0.2)
                raise

    # -- one derivation -----------------------------------------------------------------------------

    def _answer(self, build: _Build, store: Path | None) -> list[Finding]:
        first, *_ = build.claims
        nix: list[NixVersion] = []
        if first.run.system != current_system():
            text = f"it was made for {first.run.system}, and this machine is {current_system()}"
            return [Finding(each, REBUILT, Answer.UNDECIDED, text, None) for each in build.claims]
        try:
            one = self._run(first, store, nix)
            if one.outcome is Outcome.UNDECIDED:
                return [_undecided(each, one) for each in build.claims]
            two = None
            if any(_digest(one) != each.run.result_sha256 for each in build.claims):
                two = self._run(first, store, nix)
        except LfciError as error:
            return [self._failed(each, error, nix) for each in build.claims]
        return [self._compare(each, one, two) for each in build.claims]

    def _run(self, claim: Claim, store: Path | None, nix: list[NixVersion]) -> RunResult:
        progress = self._progress(claim.run.check)
        with BatchReader(self._git) as objects:
            return run_check(
                objects,
                claim.run.inputs_tree,
                claim.definition,
                engine=Engine.BUILD,
                work=self._work,
                cas=self._cas,
                progress=progress,
                doubt=Doubt(claim.run.drv_path, store, nix.append),
            )

    def _failed(self, claim: Claim, error: LfciError, nix: list[NixVersion]) -> Finding:
        version = nix[0] if nix else None
        if error.code == "LFCI321" and version is not None:
            return other_derivation(claim, error.facts[0], version)
        return no_derivation(claim, error, version)

    def _compare(self, claim: Claim, one: RunResult, two: RunResult | None) -> Finding:
        nix = NixVersion(one.nix_name, one.nix_version)
        result = _digest(one)
        if result == claim.run.result_sha256:
            text = f"the same result, {result[:12]}"
            return Finding(claim, REBUILT, Answer.REPRODUCED, text, nix, found=one.drv_path, result=result)
        assert two is not None
        assert one.result is not None
        if two.result is None or _digest(two) != result:
            text = "two rebuilds here gave different results: the check is not deterministic"
            facts = _unlike(one.result, two)
            return Finding(claim, REBUILT, Answer.UNDECIDED, text, nix, "LFCI328", facts, one.drv_path)
        text = f"another result, {result[:12]}; attested {claim.run.result_sha256[:12]}"
        facts = between(claim.run, self._attested(claim), one.result, self._explain)
        return Finding(
            claim, REBUILT, Answer.NOT, text, nix, "LFCI327", facts, found=one.drv_path, result=result
        )

    # -- what the claim says ---------------------------------------------------------------------------

    def _attested(self, claim: Claim) -> ResultDocument | None:
        """The result document that the claim names, when this clone has it."""
        with self._lock, BatchReader(self._git) as objects:
            refs = evidence_refs(self._git)
            data = None
            inbox = refs.get(inbox_ref(claim.run.inputs_tree, claim.id))
            try:
                if inbox is not None:
                    data = read_inbox_tree(objects, inbox)[1]
                if data is None and RESULTS_REF in refs:
                    tree = read_commit(objects, refs[RESULTS_REF]).tree
                    data = read_result(objects, tree, claim.run.result_sha256, limit=MAX_RESULT_BYTES)
                if data is None or hashlib.sha256(data).hexdigest() != claim.run.result_sha256:
                    return None
                return parse_result(data)
            except LfciError:
                return None

    def _explain(self, one: Sha256, two: Sha256) -> tuple[str, ...]:
        paths = [self._cas.path(each) for each in (one, two)]
        return diffoscope(*paths) if all(path.is_file() for path in paths) else ()


def _digest(run: RunResult) -> Sha256:
    assert run.result is not None
    return Sha256(hashlib.sha256(result_document(run.result)).hexdigest())


def _undecided(claim: Claim, run: RunResult) -> Finding:
    text = f"the rebuild is undecided: {run.message}"
    nix = NixVersion(run.nix_name, run.nix_version)
    return Finding(claim, REBUILT, Answer.UNDECIDED, text, nix, run.code, run.remarks, run.drv_path)


def _unlike(one: ResultDocument, two: RunResult) -> tuple[str, ...]:
    if two.result is None:
        return (f"the second one is undecided: {two.message} ({two.code})",)
    found = tests_between(one, two.result, "first", "then")
    if one.exit_code != two.result.exit_code:
        found.insert(0, f"exit status: first {one.exit_code}, then {two.result.exit_code}")
    files = {file.path: file.sha256 for file in two.result.artifacts}
    found += [f"artifact {ascii(file.path)}" for file in one.artifacts if files.get(file.path) != file.sha256]
    return tuple(found)
