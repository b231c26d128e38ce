"""Statements about a tree as an honest client would make them, without Nix; fields can be replaced."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from lfci_gate.attest.bundle import format_bundle, make_bundle
from lfci_gate.attest.dsse import Envelope, sign
from lfci_gate.attest.results import counts, result_document
from lfci_gate.attest.statement import format_statement
from lfci_gate.config.project import parse_project
from lfci_gate.gate.protect import Change, changed_parts
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    Approval,
    CheckRun,
    FileDigest,
    ObjectId,
    ObjectSource,
    ResultDocument,
    Rule,
    Sha256,
    Statement,
    TestCase,
)
from lfci_gate.patterns import PatternSet
from tests.support.evidence import CHECK_RUN, REPOSITORY, TestSigner

TWO_TESTS = (TestCase("t::one", "passed"), TestCase("t::two", "passed"))


def passing_run(
    source: ObjectSource, tree: ObjectId, moment: datetime, check: str = "test", **changes: Any
) -> tuple[CheckRun, bytes]:
    """A passing run of a declared check of ``tree``, with its result document.

    ``document`` among ``changes`` replaces the result document (and what follows from it); the others
    replace fields of the run.
    """
    config = parse_project(read_file(source, tree, b".lfci/config.toml", 1 << 20) or b"")
    definition = config.check(check)
    assert definition is not None
    document = changes.pop("document", ResultDocument(check, 0, TWO_TESTS, ()))
    data = result_document(document)
    found = {name: read_file(source, tree, name.encode(), 1 << 20) for name in ("flake.lock", "flake.nix")}
    run = replace(
        CHECK_RUN,
        inputs_tree=inputs_tree(source, tree, PatternSet(definition.inputs)).oid,
        check=check,
        definition=definition.digest,
        tests=counts(document.tests),
        source_tree=tree,
        flake=tuple(FileDigest(name, _sha256(text)) for name, text in found.items() if text is not None),
        lockfiles=(),
        session=None,
        exit_code=document.exit_code,
        result_sha256=_sha256(data),
        artifacts=document.artifacts,
        started_at=moment,
        issued_at=moment,
    )
    return replace(run, **changes), data


def approvals_of(
    source: ObjectSource,
    rule: Rule,
    ref: str,
    trees: tuple[ObjectId | None, ObjectId],
    moment: datetime,
    /,
    **changes: Any,
) -> list[Approval]:
    """One approval for each protected part that differs between the two trees."""
    old, new = trees
    parts = changed_parts(source, Change(ref, new, old, new), rule)
    made = [
        Approval(
            part.to_tree,
            part.from_tree,
            REPOSITORY,
            ref,
            part.protection.paths,
            "maintainer",
            "reviewed",
            moment,
        )
        for part in parts
    ]
    return [replace(each, **changes) for each in made]


def bundle(statement: Statement, signer: TestSigner) -> bytes:
    return format_bundle(make_bundle(sign(format_statement(statement), signer), signer.public))


def cosigned(statement: Statement, *signers: TestSigner) -> bytes:
    """One envelope with the signatures of all of them."""
    payload = format_statement(statement)
    signatures = tuple(sign(payload, signer).signatures[0] for signer in signers)
    return format_bundle(make_bundle(Envelope(payload, signatures), signers[0].public))


def _sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())
