"""The predicate ``https://micelio.dev/lfci/check-run/v0.1`` (docs/formats.md, "Attestation").

JSON form: every key is always there. What does not exist is ``null``: ``tests`` without a report,
``session`` outside of one and its ``baseCommit`` before the first commit, ``target`` when the run was
not for a ref, ``pinned`` and ``unpinned`` of a lockfile that nobody can read (not counted, which is
not zero). ``source.flake`` has the keys of the files that exist. Lists are sorted by path, each path
once. A check that is a flake check has its attribute (``checks.package``) as ``command``.
"""

from __future__ import annotations

import re
from typing import Any

from lfci_gate.attest import readers
from lfci_gate.canonical import Fields, format_time
from lfci_gate.model import (
    CheckRun,
    Engine,
    FileDigest,
    LockfileFact,
    ObjectId,
    Outcome,
    SessionFact,
    TestCounts,
)

__all__ = ["contradictions", "predicate_of", "read_predicate"]

_FLAKE_FILES = ("flake.lock", "flake.nix")
_NAR_HASH = re.compile(r"sha256-[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
# The hash part and the name of a store path as Nix writes them; any store directory.
_DRV_PATH = re.compile(r"(?:/[A-Za-z0-9._+-]+)+/[0-9a-z]{32}-[A-Za-z0-9+\-._?=]{1,211}\.drv")
_SYSTEM = re.compile(r"[a-z0-9_]+-[a-z0-9_]+")


def read_predicate(fields: Fields, inputs_tree: ObjectId) -> CheckRun:
    """Read the predicate of the statement whose subject is ``inputs_tree``; the caller's error family."""
    check = fields.child("check")
    source = fields.child("source")
    derivation = fields.child("derivation")
    execution = fields.child("execution")
    nix = execution.child("nix")
    outputs = fields.child("outputs")
    log = fields.child("log")
    attester = fields.child("attester")
    run = CheckRun(
        inputs_tree=inputs_tree,
        repository=readers.repository(fields, "repository"),
        check=check.text("name", max_chars=200),
        definition=readers.sha256_object(check, "definition"),
        command=check.text("command", max_chars=64 * 1024, lines=True),
        result=Outcome(fields.choice("result", (Outcome.PASSED.value, Outcome.FAILED.value))),
        exit_code=fields.integer("exitCode", 0, 255),
        tests=_read_tests(fields),
        source_tree=readers.oid(source, "tree"),
        nar_hash=source.match("narHash", _NAR_HASH, "sha256- and base64"),
        flake=_read_flake(source),
        lockfiles=_read_lockfiles(source),
        session=_read_session(fields),
        drv_path=derivation.match("drvPath", _DRV_PATH, "a store path that ends in .drv"),
        system=derivation.match("system", _SYSTEM, "a Nix system like x86_64-linux"),
        engine=Engine(execution.choice("engine", tuple(engine.value for engine in Engine))),
        hermetic=execution.take("hermetic", bool),
        sandbox=readers.sha256_object(execution, "sandbox"),
        nix_name=nix.text("name", max_chars=64),
        nix_version=nix.text("version", max_chars=64),
        started_at=execution.time("startedAt"),
        duration_ms=execution.integer("durationMs", 0),
        attempt=execution.integer("attempt", 1),
        result_sha256=readers.sha256_object(outputs, "result"),
        artifacts=readers.file_digests(outputs, "artifacts"),
        log_sha256=readers.sha256(log, "sha256"),
        log_size=log.integer("size", 0),
        attester=attester.text("id", max_chars=200),
        attester_kind=attester.choice("kind", ("agent", "human", "runner")),
        target_ref=_read_target(fields),
        issued_at=fields.time("issuedAt"),
    )
    for part in (check, source, derivation, nix, execution, outputs, log, attester, fields):
        part.finish()
    return run


def _read_tests(fields: Fields) -> TestCounts | None:
    tests = readers.nullable_child(fields, "tests", "predicate.tests")
    if tests is None:
        return None
    counts = TestCounts(
        passed=tests.integer("passed", 0),
        failed=tests.integer("failed", 0),
        skipped=tests.integer("skipped", 0),
        ids=readers.sha256_object(tests, "ids"),
    )
    tests.finish()
    return counts


def _read_flake(source: Fields) -> tuple[FileDigest, ...]:
    flake = source.child("flake")
    found = tuple(FileDigest(name, readers.sha256(flake, name)) for name in _FLAKE_FILES if name in flake)
    flake.finish()
    return found


def _read_lockfiles(source: Fields) -> tuple[LockfileFact, ...]:
    found = []
    for entry in source.children("lockfiles", max_items=readers.MAX_ITEMS):
        fact = LockfileFact(
            path=readers.path(entry, "path"),
            sha256=readers.sha256(entry, "sha256"),
            pinned=_read_count(entry, "pinned"),
            unpinned=_read_count(entry, "unpinned"),
        )
        entry.finish()
        if (fact.pinned is None) != (fact.unpinned is None):
            raise entry.wrong("pinned", "and unpinned are both counted or both null")
        found.append(fact)
    readers.check_sorted(source, "lockfiles", found, lambda fact: fact.path)
    return tuple(found)


def _read_count(entry: Fields, key: str) -> int | None:
    value = entry.nullable(key, int)
    if value is not None and value < 0:
        raise entry.wrong(key, "must not be negative")
    return value


def _read_session(fields: Fields) -> SessionFact | None:
    session = readers.nullable_child(fields, "session", "predicate.session")
    if session is None:
        return None
    fact = SessionFact(
        id=readers.session_id(session, "id"),
        base_commit=readers.nullable_oid(session, "baseCommit"),
        base_tree=readers.oid(session, "baseTree"),
        snapshot=readers.sha256_object(session, "snapshot"),
        started_at=session.time("startedAt"),
    )
    session.finish()
    return fact


def _read_target(fields: Fields) -> str | None:
    target = readers.nullable_child(fields, "target", "predicate.target")
    if target is None:
        return None
    value = readers.ref(target, "ref")
    target.finish()
    return value


# -- writing -----------------------------------------------------------------------------------


def predicate_of(run: CheckRun) -> dict[str, Any]:
    """The predicate as plain data, for canonical JSON."""
    return {
        "repository": run.repository,
        "check": {
            "name": run.check,
            "definition": {"sha256": run.definition},
            "command": run.command,
        },
        "result": run.result.value,
        "exitCode": run.exit_code,
        "tests": run.tests and _tests_of(run.tests),
        "source": {
            "tree": run.source_tree,
            "narHash": run.nar_hash,
            "flake": {file.path: file.sha256 for file in run.flake},
            "lockfiles": [
                {"path": f.path, "sha256": f.sha256, "pinned": f.pinned, "unpinned": f.unpinned}
                for f in run.lockfiles
            ],
        },
        "session": run.session and _session_of(run.session),
        "derivation": {"drvPath": run.drv_path, "system": run.system},
        "execution": {
            "engine": run.engine.value,
            "hermetic": run.hermetic,
            "sandbox": {"sha256": run.sandbox},
            "nix": {"name": run.nix_name, "version": run.nix_version},
            "startedAt": format_time(run.started_at),
            "durationMs": run.duration_ms,
            "attempt": run.attempt,
        },
        "outputs": {
            "result": {"sha256": run.result_sha256},
            "artifacts": [{"path": file.path, "sha256": file.sha256} for file in run.artifacts],
        },
        "log": {"sha256": run.log_sha256, "size": run.log_size},
        "attester": {"id": run.attester, "kind": run.attester_kind},
        "target": None if run.target_ref is None else {"ref": run.target_ref},
        "issuedAt": format_time(run.issued_at),
    }


def _tests_of(tests: TestCounts) -> dict[str, Any]:
    return {
        "passed": tests.passed,
        "failed": tests.failed,
        "skipped": tests.skipped,
        "ids": {"sha256": tests.ids},
    }


def _session_of(session: SessionFact) -> dict[str, Any]:
    return {
        "id": session.id,
        "baseCommit": session.base_commit,
        "baseTree": session.base_tree,
        "snapshot": {"sha256": session.snapshot},
        "startedAt": format_time(session.started_at),
    }


# -- sense -------------------------------------------------------------------------------------


def contradictions(run: CheckRun) -> tuple[str, ...]:
    """What in a well-formed run cannot be true together, one line each (rule 10 of the gate).

    These are not format errors: a signed statement that contradicts itself is evidence of who
    claimed nonsense, and is refused as such.
    """
    failed = run.tests.failed if run.tests else 0
    found = []
    if run.result is Outcome.PASSED and run.exit_code != 0:
        found.append(f"the result is PASSED and the exit code is {run.exit_code}")
    if run.result is Outcome.PASSED and failed:
        found.append(f"the result is PASSED and {failed} tests failed")
    if run.result is Outcome.FAILED and run.exit_code == 0 and not failed:
        found.append("the result is FAILED, the exit code is 0 and no test failed")
    if run.started_at > run.issued_at:
        found.append("the run started after the attestation was issued")
    return tuple(found)
