"""The forge's record of a landing: SLSA's Verification Summary Attestation v1.

Field names and meaning are of https://slsa.dev/spec/v1.0/verification_summary::

    {"verifier":{"id":"<URI>"},"timeVerified":"...","resourceUri":"urn:uuid:<repository>",
     "policy":{"uri":"urn:uuid:<repository>#policy","digest":{"sha256":"<of the policy file>"}},
     "inputAttestations":[{"digest":{"sha256":"<attestation id>"}}],
     "verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_UNEVALUATED"],
     "https://micelio.dev/lfci/landing/v0.1":{"ref":"...","old":"<commit or null>","policyVersion":7}}

No SLSA build level is claimed, because none is evaluated. The last key is an extension, named by a
URI as in-toto's parsing rules ask; verifiers that do not know it ignore it.

What landed by break-glass did not pass, and its record says so in SLSA's own words: ``verificationResult``
and the one level are ``FAILED``, and the extension has ``bypass`` as well: ``{"attestation":{"sha256":
"<id of the bypass>"},"waived":["LFCI101"]}``; the bypass is one of the ``inputAttestations``
(docs/decisions/0007-break-glass.md).
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest.shape import (
    OID,
    REF,
    SHA256_OBJECT,
    Mismatch,
    integer,
    list_of,
    matching,
    nullable,
    one_of,
    record,
    time,
)
from lfci_gate.canonical import format_time
from lfci_gate.model import Landing, ObjectId

__all__ = ["EXTENSION", "PREDICATE", "make", "predicate_of"]

EXTENSION = "https://micelio.dev/lfci/landing/v0.1"
_LEVEL = "SLSA_BUILD_LEVEL_UNEVALUATED"
_FAILED = "FAILED"
_RESOURCE = "urn:uuid:"
_URI = matching(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,500}", "a URI")
_BYPASS = record(
    {"attestation": SHA256_OBJECT, "waived": list_of(matching(r"LFCI[0-9]{3}", "a code"), low=1, rising=str)}
)

PREDICATE = record(
    {
        "verifier": record({"id": _URI}),
        "timeVerified": time,
        "resourceUri": matching(
            r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "urn:uuid: and a lower-case UUID"
        ),
        "policy": record({"uri": _URI, "digest": SHA256_OBJECT}),
        "inputAttestations": list_of(
            record({"digest": SHA256_OBJECT}, make=lambda found: found["digest"]), rising=str
        ),
        "verificationResult": one_of({"PASSED": False, _FAILED: True}),
        "verifiedLevels": list_of(one_of({_LEVEL: False, _FAILED: True}), low=1, high=1),
        EXTENSION: record(
            {"ref": REF, "old": nullable(OID), "policyVersion": integer(0)}, optional={"bypass": _BYPASS}
        ),
    }
)


def make(found: dict[str, Any], commit: ObjectId) -> Landing:
    """The landing of a predicate that :data:`PREDICATE` read; ``commit`` is the statement's subject."""
    policy, extension = found["policy"], found[EXTENSION]
    if policy["uri"] != found["resourceUri"] + "#policy":
        raise Mismatch("policy.uri must be the resourceUri and #policy")
    bypass = extension.get("bypass")
    if {found["verificationResult"], *found["verifiedLevels"]} != {bypass is not None}:
        raise Mismatch("a landing by break-glass is FAILED, result and level, and no other is")
    if bypass is not None and bypass["attestation"] not in found["inputAttestations"]:
        raise Mismatch("inputAttestations must name the bypass too")
    return Landing(
        commit=commit,
        repository=found["resourceUri"].removeprefix(_RESOURCE),
        ref=extension["ref"],
        old=extension["old"],
        policy_sha256=policy["digest"],
        policy_version=extension["policyVersion"],
        verified_at=found["timeVerified"],
        evidence=found["inputAttestations"],
        verifier=found["verifier"]["id"],
        bypass=None if bypass is None else bypass["attestation"],
        waived=() if bypass is None else bypass["waived"],
    )


def predicate_of(landing: Landing) -> dict[str, Any]:
    """The predicate as plain data, for canonical JSON."""
    resource = _RESOURCE + landing.repository
    extension: dict[str, Any] = {
        "ref": landing.ref,
        "old": landing.old,
        "policyVersion": landing.policy_version,
    }
    if landing.bypass is not None:
        extension["bypass"] = {"attestation": {"sha256": landing.bypass}, "waived": list(landing.waived)}
    return {
        "verifier": {"id": landing.verifier},
        "timeVerified": format_time(landing.verified_at),
        "resourceUri": resource,
        "policy": {"uri": resource + "#policy", "digest": {"sha256": landing.policy_sha256}},
        "inputAttestations": [{"digest": {"sha256": each}} for each in landing.evidence],
        "verificationResult": "PASSED" if landing.bypass is None else _FAILED,
        "verifiedLevels": [_LEVEL if landing.bypass is None else _FAILED],
        EXTENSION: extension,
    }
