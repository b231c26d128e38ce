"""Golden files: the bytes of version 1, made once with the published test keys and never made again.

A change of these bytes is a change of the format: what was signed before would no longer be what we
write, or no longer be read.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lfci_gate.attest.bundle import format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import attestation_id, sign, signed_by
from lfci_gate.attest.keys import format_public, parse_public
from lfci_gate.attest.results import parse_result, result_document
from lfci_gate.attest.statement import format_statement, parse_statement
from lfci_gate.attest.trailer import parse_trailer
from tests.support.evidence import ALICE, BOB, CAROL, CHECK_RUN, RESULT, STATEMENTS

GOLDEN = Path(__file__).parents[1] / "golden"
SIGNERS = {"ed25519": ALICE, "ecdsa": CAROL}


@pytest.mark.parametrize("kind", sorted(SIGNERS))
def test_the_bundle_is_the_golden_one_byte_for_byte(kind: str) -> None:
    signer = SIGNERS[kind]
    line = (GOLDEN / f"bundle-{kind}.json").read_bytes()
    bundle = parse_bundle(line)
    assert signed_by(bundle.envelope, [ALICE.public, BOB.public, CAROL.public]) == (signer.public,)
    assert parse_statement(bundle.envelope.payload) == CHECK_RUN
    assert format_bundle(make_bundle(sign(format_statement(CHECK_RUN), signer), signer.public)) == line


def test_both_golden_bundles_are_one_attestation() -> None:
    ids = {attestation_id(parse_bundle((GOLDEN / f"bundle-{k}.json").read_bytes()).envelope) for k in SIGNERS}
    assert ids == {"87c652cc2d4957ff5be5ea5d53eee2a8028a1c6ab44b11e90305c091a6030b40"}


@pytest.mark.parametrize("kind", sorted(SIGNERS))
def test_the_public_key_is_the_golden_one(kind: str) -> None:
    line = (GOLDEN / f"key-{kind}.pub").read_text()
    assert parse_public(line) == SIGNERS[kind].public
    assert format_public(SIGNERS[kind].public, "TEST KEY, NOT SECRET") + "\n" == line


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_the_statement_is_the_golden_one_byte_for_byte(name: str) -> None:
    payload = (GOLDEN / f"statement-{name}.json").read_bytes()
    assert parse_statement(payload) == STATEMENTS[name]
    assert format_statement(STATEMENTS[name]) == payload


def test_the_result_document_is_the_golden_one_byte_for_byte() -> None:
    data = (GOLDEN / "result.json").read_bytes()
    assert parse_result(data) == RESULT
    assert result_document(RESULT) == data


def test_the_inline_trailer_of_the_golden_bundle_is_read() -> None:
    # Only read: which bytes zlib packs to may differ between its versions.
    value = (GOLDEN / "trailer-ed25519.txt").read_text()
    assert parse_trailer(value) == ("inline", (GOLDEN / "bundle-ed25519.json").read_bytes())


def test_the_golden_bundle_has_the_fields_that_other_tools_look_for() -> None:
    """What cosign and sigstore's clients read of a bundle v0.3, taken apart by a foreign JSON reader."""
    data = json.loads((GOLDEN / "bundle-ed25519.json").read_bytes())
    assert list(data) == ["mediaType", "verificationMaterial", "dsseEnvelope"]
    assert data["verificationMaterial"] == {"publicKey": {"hint": ALICE.public.fingerprint}}
    assert list(data["dsseEnvelope"]) == ["payload", "payloadType", "signatures"]
    assert [list(signature) for signature in data["dsseEnvelope"]["signatures"]] == [["sig"]]
