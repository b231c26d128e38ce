"""The predicate ``https://micelio.dev/lfci/verification/v0.1``: a verifier's result about one run.

``{"repository","check":{"name","definition"},"derivation":{"drvPath","system"},"method","outcome",
"result","attestation","nix":{"name","version"},"verifier","issuedAt"}``

``method`` is ``derived`` (the flake was evaluated again at this tree) or ``rebuilt`` (the derivation was
realised again); ``outcome`` is ``reproduced`` or ``not-reproduced``. ``result`` is the digest of the
result document that a rebuild gave, and ``null`` for ``derived``. The subject is the inputs tree of the
run, whose attestation id is in ``attestation``. A verifier that could not tell signs nothing.
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest.check_run import DERIVATION, NAME, NIX
from lfci_gate.attest.shape import SHA256_OBJECT, UUID, Mismatch, nullable, one_of, record, time
from lfci_gate.canonical import format_time
from lfci_gate.model import ObjectId, Verification

__all__ = ["PREDICATE", "make", "predicate_of"]

_OUTCOMES = {"reproduced": True, "not-reproduced": False}

PREDICATE = record(
    {
        "repository": UUID,
        "check": record({"name": NAME, "definition": SHA256_OBJECT}),
        "derivation": DERIVATION,
        "method": one_of({"derived": "derived", "rebuilt": "rebuilt"}),
        "outcome": one_of(_OUTCOMES),
        "result": nullable(SHA256_OBJECT),
        "attestation": SHA256_OBJECT,
        "nix": NIX,
        "verifier": NAME,
        "issuedAt": time,
    }
)


def make(found: dict[str, Any], inputs_tree: ObjectId) -> Verification:
    """The result of a predicate that :data:`PREDICATE` read; the subject is the inputs tree."""
    if (found["method"] == "rebuilt") != (found["result"] is not None):
        raise Mismatch("result is there for a rebuild, and only then")
    return Verification(
        inputs_tree=inputs_tree,
        repository=found["repository"],
        check=found["check"]["name"],
        definition=found["check"]["definition"],
        drv_path=found["derivation"]["drvPath"],
        system=found["derivation"]["system"],
        method=found["method"],
        reproduced=found["outcome"],
        result_sha256=found["result"],
        attestation=found["attestation"],
        nix_name=found["nix"]["name"],
        nix_version=found["nix"]["version"],
        verifier=found["verifier"],
        issued_at=found["issuedAt"],
    )


def predicate_of(found: Verification) -> dict[str, Any]:
    """The predicate as plain data, for canonical JSON."""
    result = None if found.result_sha256 is None else {"sha256": found.result_sha256}
    return {
        "repository": found.repository,
        "check": {"name": found.check, "definition": {"sha256": found.definition}},
        "derivation": {"drvPath": found.drv_path, "system": found.system},
        "method": found.method,
        "outcome": "reproduced" if found.reproduced else "not-reproduced",
        "result": result,
        "attestation": {"sha256": found.attestation},
        "nix": {"name": found.nix_name, "version": found.nix_version},
        "verifier": found.verifier,
        "issuedAt": format_time(found.issued_at),
    }
