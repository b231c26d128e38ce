"""`lfci attestation export` and `import`: evidence in forms that other tools read, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lfci_gate import files
from lfci_gate.attest.bundle import MAX_BUNDLE_BYTES, Bundle, format_bundle, parse_bundle
from lfci_gate.attest.consistency import disagreements
from lfci_gate.attest.dsse import signed_by
from lfci_gate.attest.encoding import b64encode
from lfci_gate.attest.results import MAX_RESULT_BYTES, parse_result
from lfci_gate.attest.statement import STATEMENT_TYPE, parse_statement
from lfci_gate.canonical import dumps
from lfci_gate.cli.context import Context
from lfci_gate.cli.evidence import Held
from lfci_gate.cli.policy_source import find_policy
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.errors import LfciError, Refusal, UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import CheckRun, Sha256, Statement

__all__ = ["EXPORTS", "TEST_RESULT", "export_one", "import_bundle"]

EXPORTS = ("bundle", "dsse", "in-toto-test-result")
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"


# -- out ------------------------------------------------------------------------------------------


def export_one(context: Context, held: Held, form: str, result: bytes | None, target: Path | None) -> int:
    """Writes one attestation and a newline. Raises UsageError LFCI514 for a test result of
    something that is no check run, Undecided LFCI520."""
    if form == "bundle":
        data = held.lines[0]
    elif form == "dsse":
        data = dumps(_envelope(held.bundles[0]))
    else:
        data = dumps(_test_result(held, result))
        context.output.note("note: this statement is not signed; the signature is over the original one")
    if target is None:
        context.output.raw(data.decode("utf-8") + "\n")
    else:
        files.write_file(target, data + b"\n", mode=0o644)
        context.output.note(f"written: {target}")
    return 0


def _envelope(bundle: Bundle) -> dict[str, Any]:
    envelope = bundle.envelope
    return {
        "payload": b64encode(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [{"sig": b64encode(signature)} for signature in envelope.signatures],
    }


def _test_result(held: Held, result: bytes | None) -> dict[str, Any]:
    """https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md"""
    run = held.statement
    if not isinstance(run, CheckRun):
        raise UsageError("LFCI514", "only a check run is a test result", hint="use --format bundle")
    predicate: dict[str, Any] = {
        "result": run.result.value,
        "configuration": [
            {"name": f"check {run.check}", "digest": {"sha256": run.definition}},
            *({"name": file.path, "digest": {"sha256": file.sha256}} for file in run.flake),
            *({"name": file.path, "digest": {"sha256": file.sha256}} for file in run.lockfiles),
        ],
    }
    if result is not None:
        # Skipped tests have no place in this predicate; which ones ran is what it is about.
        tests = _document(result, run).tests
        for key, outcome in (("passedTests", "passed"), ("failedTests", "failed")):
            predicate[key] = [test.id for test in tests if test.outcome == outcome]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "inputs", "digest": {"gitTree": run.inputs_tree}}],
        "predicateType": TEST_RESULT,
        "predicate": predicate,
    }


# -- in -------------------------------------------------------------------------------------------


def import_bundle(context: Context, name: str, result_name: str | None) -> int:
    """Stores a bundle as an inbox ref of this clone, when the forge's gate would read it.

    Raises Refusal LFCI110 (bundle or statement), LFCI115 (result document), UsageError LFCI514.
    """
    line = _read(name, MAX_BUNDLE_BYTES + 1).removesuffix(b"\n").removesuffix(b"\r")
    bundle = parse_bundle(line)
    statement = parse_statement(bundle.envelope.payload)
    result = None if result_name is None else _read(result_name, MAX_RESULT_BYTES)
    _refuse_other_result(statement, result)
    # In our own spelling: what a foreign writer added (a keyid) is no part of what we store.
    stored = store_evidence(context.git, format_bundle(bundle), result)
    signed, where = _signers(context, bundle)
    output = context.output
    output.json({"schema": "lfci.imported/1", "id": stored, "verifiedBy": list(signed), "policy": where})
    output.pair("imported", stored, "strong")
    if signed:
        output.pair("signature", f"verifies with {', '.join(signed)} (policy in {where})", "good")
    else:
        said = f"no key of the policy in {where} signed it" if where else "no policy is known here"
        output.pair("signature", f"NOT VERIFIED: {said}; the forge will not count it", "warn")
    return 0


def _signers(context: Context, bundle: Bundle) -> tuple[tuple[str, ...], str | None]:
    try:
        with BatchReader(context.git) as objects:
            found = find_policy(context, objects)
    except LfciError as error:
        context.output.note(f"note: the policy cannot be read: {error.message}")
        return (), None
    if found is None:
        return (), None
    names = {key.public: key.name for key in found.policy.keys}
    return tuple(names[public] for public in signed_by(bundle.envelope, names)), found.where


def _refuse_other_result(statement: Statement, result: bytes | None) -> None:
    if not isinstance(statement, CheckRun):
        if result is not None:
            raise UsageError("LFCI514", "--result belongs to a check run, and this is none")
        return
    if result is None:
        raise UsageError(
            "LFCI514",
            "a check run comes with its result document, else the forge refuses it",
            facts=(f"sha256: {statement.result_sha256}",),
            hint="lfci attestation import FILE --result FILE",
        )
    wrong = disagreements(_document(result, statement), statement)
    if wrong:
        raise Refusal("LFCI115", "the result document contradicts its attestation", facts=wrong)


def _document(result: bytes, run: CheckRun) -> Any:
    import hashlib

    found = Sha256(hashlib.sha256(result).hexdigest())
    if found != run.result_sha256:
        raise Refusal(
            "LFCI115",
            "the result document is not the attested one",
            facts=(f"attested: {run.result_sha256}", f"given: {found}"),
        )
    return parse_result(result)


def _read(name: str, limit: int) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(limit + 1)
    data = files.read_file(Path(name), limit)
    if data is None:
        raise UsageError("LFCI514", f"there is no file {name}", hint="name the file, or - for stdin")
    return data
