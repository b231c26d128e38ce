"""The predicate ``https://micelio.dev/lfci/check-run/v0.1`` (docs/formats.md, "Attestation").

JSON form: every key is always there. What does not exist is ``null``: ``tests`` without a report,
``session`` outside of one and its ``baseCommit`` before the first commit, ``target`` when the run was
not for a ref, ``pinned`` and ``unpinned`` of a lockfile that nobody can read (not counted, which is
not zero). ``source.flake`` has the keys of the files that exist. Lists are sorted by path, each path
once. A check that is a flake check has its attribute (``checks.package``) as ``command``.
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest.encoding import b64decode
from lfci_gate.attest.shape import (
    OID,
    REF,
    SESSION_ID,
    SHA256,
    SHA256_OBJECT,
    UUID,
    Mismatch,
    boolean,
    fitting,
    integer,
    list_of,
    nullable,
    one_of,
    path,
    record,
    text,
    time,
)
from lfci_gate.canonical import format_time
from lfci_gate.grammar import DIGITS, LETTERS, LOWER, is_word
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

__all__ = ["DERIVATION", "NAME", "NIX", "PREDICATE", "make", "predicate_of"]

_DIGEST = LOWER | DIGITS
_SYSTEM = _DIGEST | {"_"}
_PATH = LETTERS | DIGITS | frozenset("._+-")
_STORE_NAME = _PATH | frozenset("?=")


def _is_nar_hash(value: str) -> bool:
    try:
        return value.startswith("sha256-") and len(b64decode(value.removeprefix("sha256-"))) == 32
    except ValueError:
        return False


def _is_drv_path(value: str) -> bool:
    """The hash part and the name as Nix writes them; any store directory."""
    directories, _, base = value.rpartition("/")
    top, *below = directories.split("/")
    digest, dash, name = base[:32], base[32:33], base[33:].removesuffix(".drv")
    return (
        top == ""
        and bool(below)
        and all(is_word(each, _PATH, _PATH, len(value)) for each in below)
        and len(digest) == 32
        and _DIGEST.issuperset(digest)
        and dash == "-"
        and is_word(name, _STORE_NAME, _STORE_NAME, 211)
        and value.endswith(".drv")
    )


def _is_system(value: str) -> bool:
    machine, dash, kernel = value.partition("-")
    return bool(dash) and all(is_word(each, _SYSTEM, _SYSTEM, len(value)) for each in (machine, kernel))


def _flake(found: dict[str, Any]) -> tuple[FileDigest, ...]:
    return tuple(FileDigest(name, found[name]) for name in sorted(found))


def _lockfile(found: dict[str, Any]) -> LockfileFact:
    if (found["pinned"] is None) != (found["unpinned"] is None):
        raise Mismatch("pinned and unpinned are both counted or both null")
    return LockfileFact(**found)


def _session(found: dict[str, Any]) -> SessionFact:
    return SessionFact(
        id=found["id"],
        base_commit=found["baseCommit"],
        base_tree=found["baseTree"],
        snapshot=found["snapshot"],
        started_at=found["startedAt"],
    )


_COUNT = integer(0)
NAME = text(200)
DERIVATION = record(
    {
        "drvPath": fitting(_is_drv_path, "a store path that ends in .drv"),
        "system": fitting(_is_system, "a Nix system like x86_64-linux"),
    }
)
NIX = record({"name": text(64), "version": text(64)})

PREDICATE = record(
    {
        "repository": UUID,
        "check": record({"name": NAME, "definition": SHA256_OBJECT, "command": text(64 * 1024, lines=True)}),
        "result": one_of({"PASSED": Outcome.PASSED, "FAILED": Outcome.FAILED}),
        "exitCode": integer(0, 255),
        "tests": nullable(
            record(
                {"passed": _COUNT, "failed": _COUNT, "skipped": _COUNT, "ids": SHA256_OBJECT},
                make=lambda found: TestCounts(**found),
            )
        ),
        "source": record(
            {
                "tree": OID,
                "narHash": fitting(_is_nar_hash, "sha256- and base64"),
                "flake": record({}, optional={"flake.lock": SHA256, "flake.nix": SHA256}, make=_flake),
                "lockfiles": list_of(
                    record(
                        {
                            "path": path,
                            "sha256": SHA256,
                            "pinned": nullable(_COUNT),
                            "unpinned": nullable(_COUNT),
                        },
                        make=_lockfile,
                    ),
                    rising=lambda fact: fact.path,
                ),
            }
        ),
        "session": nullable(
            record(
                {
                    "id": SESSION_ID,
                    "baseCommit": nullable(OID),
                    "baseTree": OID,
                    "snapshot": SHA256_OBJECT,
                    "startedAt": time,
                },
                make=_session,
            )
        ),
        "derivation": DERIVATION,
        "execution": record(
            {
                "engine": one_of({engine.value: engine for engine in Engine}),
                "hermetic": boolean,
                "sandbox": SHA256_OBJECT,
                "nix": NIX,
                "startedAt": time,
                "durationMs": _COUNT,
                "attempt": integer(1),
            }
        ),
        "outputs": record(
            {
                "result": SHA256_OBJECT,
                "artifacts": list_of(
                    record({"path": path, "sha256": SHA256}, make=lambda found: FileDigest(**found)),
                    rising=lambda file: file.path,
                ),
            }
        ),
        "log": record({"sha256": SHA256, "size": _COUNT}),
        "attester": record(
            {"id": NAME, "kind": one_of({kind: kind for kind in ("agent", "human", "runner")})}
        ),
        "target": nullable(record({"ref": REF}, make=lambda found: found["ref"])),
        "issuedAt": time,
    }
)


def make(found: dict[str, Any], inputs_tree: ObjectId) -> CheckRun:
    """The run of a predicate that :data:`PREDICATE` read; ``inputs_tree`` is the statement's subject."""
    check, source, derivation = found["check"], found["source"], found["derivation"]
    execution, outputs, log = found["execution"], found["outputs"], found["log"]
    return CheckRun(
        inputs_tree=inputs_tree,
        repository=found["repository"],
        check=check["name"],
        definition=check["definition"],
        command=check["command"],
        result=found["result"],
        exit_code=found["exitCode"],
        tests=found["tests"],
        source_tree=source["tree"],
        nar_hash=source["narHash"],
        flake=source["flake"],
        lockfiles=source["lockfiles"],
        session=found["session"],
        drv_path=derivation["drvPath"],
        system=derivation["system"],
        engine=execution["engine"],
        hermetic=execution["hermetic"],
        sandbox=execution["sandbox"],
        nix_name=execution["nix"]["name"],
        nix_version=execution["nix"]["version"],
        started_at=execution["startedAt"],
        duration_ms=execution["durationMs"],
        attempt=execution["attempt"],
        result_sha256=outputs["result"],
        artifacts=outputs["artifacts"],
        log_sha256=log["sha256"],
        log_size=log["size"],
        attester=found["attester"]["id"],
        attester_kind=found["attester"]["kind"],
        target_ref=found["target"],
        issued_at=found["issuedAt"],
    )


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
