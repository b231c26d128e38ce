"""The forge's record of a landing: SLSA's Verification Summary Attestation v1.

Field names and meaning are of https://slsa.dev/spec/v1.0/verification_summary::

    {"verifier":{"id":"<URI>"},"timeVerified":"...","resourceUri":"urn:uuid:<repository>",
     "policy":{"uri":"urn:uuid:<repository>#policy","digest":{"sha256":"<of the policy file>"}},
     "inputAttestations":[{"digest":{"sha256":"<attestation id>"}}],
     "verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_UNEVALUATED"],
     "https://micelio.dev/lfci/landing/v0.1":{"ref":"...","old":"<commit or null>","policyVersion":7}}

No SLSA build level is claimed, because none is evaluated. The last key is an extension, named by a
URI as in-toto's parsing rules ask; verifiers that do not know it ignore it.
"""

from __future__ import annotations

import re
from typing import Any

from lfci_gate.attest import readers
from lfci_gate.canonical import Fields, format_time
from lfci_gate.model import Landing, ObjectId

__all__ = ["EXTENSION", "predicate_of", "read_predicate"]

EXTENSION = "https://micelio.dev/lfci/landing/v0.1"
_LEVELS = ("SLSA_BUILD_LEVEL_UNEVALUATED",)
_RESOURCE = "urn:uuid:"
_RESOURCE_URI = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,500}")


def read_predicate(fields: Fields, commit: ObjectId) -> Landing:
    """Read the predicate of the statement whose subject is ``commit``; the caller's error family."""
    verifier = fields.child("verifier")
    policy = fields.child("policy")
    extension = fields.child(EXTENSION)
    resource = fields.match("resourceUri", _RESOURCE_URI, "urn:uuid: and a lower-case UUID")
    policy.choice("uri", (resource + "#policy",))
    fields.choice("verificationResult", ("PASSED",))
    if fields.texts("verifiedLevels", max_items=1) != _LEVELS:
        raise fields.wrong("verifiedLevels", f"must be exactly {_LEVELS[0]}")
    landing = Landing(
        commit=commit,
        repository=resource.removeprefix(_RESOURCE),
        ref=readers.ref(extension, "ref"),
        old=readers.nullable_oid(extension, "old"),
        policy_sha256=readers.sha256_object(policy, "digest"),
        policy_version=extension.integer("policyVersion", 0),
        verified_at=fields.time("timeVerified"),
        evidence=_read_evidence(fields),
        verifier=verifier.match("id", _URI, "a URI"),
    )
    for part in (verifier, policy, extension, fields):
        part.finish()
    return landing


def _read_evidence(fields: Fields) -> tuple[str, ...]:
    found = []
    for entry in fields.children("inputAttestations", max_items=readers.MAX_ITEMS):
        found.append(str(readers.sha256_object(entry, "digest")))
        entry.finish()
    readers.check_sorted(fields, "inputAttestations", found, str)
    return tuple(found)


def predicate_of(landing: Landing) -> dict[str, Any]:
    """The predicate as plain data, for canonical JSON."""
    resource = _RESOURCE + landing.repository
    return {
        "verifier": {"id": landing.verifier},
        "timeVerified": format_time(landing.verified_at),
        "resourceUri": resource,
        "policy": {"uri": resource + "#policy", "digest": {"sha256": landing.policy_sha256}},
        "inputAttestations": [{"digest": {"sha256": each}} for each in landing.evidence],
        "verificationResult": "PASSED",
        "verifiedLevels": list(_LEVELS),
        EXTENSION: {
            "ref": landing.ref,
            "old": landing.old,
            "policyVersion": landing.policy_version,
        },
    }
