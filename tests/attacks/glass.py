"""A policy with break-glass and one that asks verifiers, and the statements that attacks on them bend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lfci_gate.attest.keys import format_public
from lfci_gate.model import CheckRun, ObjectId
from lfci_gate.value import replace
from tests.attacks.kit import AGENT, MAINTAINER, RULE, SECOND_AGENT, Person, ed25519_signer, now, policy_text
from tests.support.evidence import BYPASS, VERIFICATION, TestSigner

OTHER_MAINTAINER = ed25519_signer("other maintainer")
SECOND_KEY = ed25519_signer("the maintainer's second key")
VERIFIER = ed25519_signer("a verifier")
BOTH = (MAINTAINER, OTHER_MAINTAINER)

_HOLDERS: dict[str, tuple[TestSigner, str, str]] = {
    "maintainer": (MAINTAINER, "maintainer", "maintainer"),
    "maintainer-2": (SECOND_KEY, "maintainer", "maintainer"),
    "other": (OTHER_MAINTAINER, "maintainer", "other"),
    "agent": (AGENT, "agent", "agent"),
    "second-agent": (SECOND_AGENT, "agent", "second-agent"),
    "verifier": (VERIFIER, "verifier", "verifier"),
}
KEYS = {
    name: {"public": format_public(signer.public), "roles": [role], "identity": identity}
    for name, (signer, role, identity) in _HOLDERS.items()
}
GLASS = {"roles": ["maintainer"], "threshold": 2, "longest": "4h", "waives": ["checks", "approvals", "tests"]}


def with_glass(version: int = 1, **changes: Any) -> bytes:
    """Two maintainers together may waive the checks, the approvals and vanished tests."""
    return policy_text(version=version, rules=({**RULE, "break-glass": GLASS, **changes},), keys=KEYS)


def asking(assurance: str, version: int = 1, **changes: Any) -> bytes:
    """The check's result must have this assurance."""
    required = {**RULE["require"][0], "assurance": assurance, **changes}
    return policy_text(version=version, rules=({**RULE, "require": [required]},), keys=KEYS)


def bypass(who: Person, *signers: TestSigner, rev: str = "HEAD", **changes: Any) -> str:
    """Refspec of a bypass of everything that may be waived, for ``rev`` on main now."""
    moment = now()
    statement = replace(
        BYPASS,
        commit=ObjectId(who.rev(rev)),
        old=ObjectId(who.tip),
        waives=("approvals", "checks", "tests"),
        issued_at=moment - timedelta(seconds=1),
        not_after=moment + timedelta(hours=1),
    )
    return who.statement(replace(statement, **changes), *(signers or BOTH))


def attested(who: Person, signer: TestSigner = AGENT, **changes: Any) -> tuple[str, Callable[..., str]]:
    """Refspec of a run at HEAD, and what makes refspecs of a verifier's words about it."""
    changes.setdefault("attester", signer.public.fingerprint)
    run, result = who.run_of("HEAD", **changes)
    spec = who.statement(run, signer, result=result)

    def verified(by: TestSigner = VERIFIER, **others: Any) -> str:
        return who.statement(replace(_verification(run, spec), **others), by)

    return spec, verified


def _verification(run: CheckRun, spec: str) -> Any:
    return replace(
        VERIFICATION,
        inputs_tree=run.inputs_tree,
        definition=run.definition,
        drv_path=run.drv_path,
        system=run.system,
        result_sha256=run.result_sha256,
        attestation=spec.rpartition("/")[2],
        issued_at=now() - timedelta(seconds=1),
    )
