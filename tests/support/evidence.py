"""Test keys, signers and one example of each statement.

TEST KEYS ONLY: the private halves follow from their names, which are published here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lfci_gate.attest.keys import ECDSA_P256, ED25519, from_raw
from lfci_gate.attest.results import counts, result_document
from lfci_gate.model import (
    Approval,
    Bypass,
    CheckRun,
    Engine,
    FileDigest,
    Landing,
    LockfileFact,
    ObjectId,
    Outcome,
    PublicKey,
    ResultDocument,
    SessionFact,
    SessionRecord,
    Sha256,
    TestCase,
    Verification,
)

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class TestSigner:
    """A signer in memory whose key and signatures are the same in every run."""

    __test__ = False

    public: PublicKey
    key: Any

    def sign(self, message: bytes) -> bytes:
        if self.public.kind == ED25519:
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))


def _seed(name: str) -> bytes:
    return hashlib.sha256(b"lfci-gate TEST KEY, NOT SECRET: " + name.encode()).digest()


def ed25519_signer(name: str) -> TestSigner:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(_seed(name))
    return TestSigner(from_raw(ED25519, key.public_key().public_bytes_raw()), key)


def ecdsa_signer(name: str) -> TestSigner:
    key = ec.derive_private_key(int.from_bytes(_seed(name), "big") % P256_ORDER, ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return TestSigner(from_raw(ECDSA_P256, point), key)


ALICE = ed25519_signer("alice")
BOB = ed25519_signer("bob")
CAROL = ecdsa_signer("carol")


# -- example statements ------------------------------------------------------------------------


def oid(name: str) -> ObjectId:
    """Some object name; the same for the same ``name``."""
    return ObjectId(hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest())


def sha(name: str) -> Sha256:
    return Sha256(hashlib.sha256(name.encode()).hexdigest())


REPOSITORY = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11"
NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)

RESULT = ResultDocument(
    check="test",
    exit_code=0,
    tests=(TestCase("a::one", "passed"), TestCase("a::two", "skipped"), TestCase("b::\u00fc", "passed")),
    artifacts=(FileDigest("coverage.json", sha("coverage")),),
)

CHECK_RUN = CheckRun(
    inputs_tree=oid("inputs"),
    repository=REPOSITORY,
    check="test",
    definition=sha("definition"),
    command="mix test --formatter JUnitFormatter",
    result=Outcome.PASSED,
    exit_code=0,
    tests=counts(RESULT.tests),
    source_tree=oid("source"),
    nar_hash="sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    flake=(FileDigest("flake.lock", sha("lock")), FileDigest("flake.nix", sha("flake"))),
    lockfiles=(
        LockfileFact("mix.lock", sha("mix"), 61, 0),
        LockfileFact("odd/unknown.lock", sha("odd"), None, None),
    ),
    session=SessionFact("AAECAwQFBgcICQoLDA0ODw", oid("base"), oid("base tree"), sha("snapshot"), NOW),
    drv_path="/nix/store/0c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01-lfci-check-test.drv",
    system="x86_64-linux",
    engine=Engine.DEVELOP,
    hermetic=True,
    sandbox=sha("sandbox"),
    nix_name="nix",
    nix_version="2.34.8",
    started_at=NOW,
    duration_ms=1830,
    attempt=1,
    result_sha256=Sha256(hashlib.sha256(result_document(RESULT)).hexdigest()),
    artifacts=RESULT.artifacts,
    log_sha256=sha("log"),
    log_size=48213,
    attester="agent-7",
    attester_kind="agent",
    target_ref="refs/heads/main",
    issued_at=NOW,
)

APPROVAL = Approval(
    to_tree=oid("new protected part"),
    from_tree=oid("old protected part"),
    repository=REPOSITORY,
    ref="refs/heads/main",
    paths=("flake.nix", "tests/", "!tests/data/"),
    reviewer="alice",
    reason="the renamed test is the same test\n",
    issued_at=NOW,
)

SESSION = SessionRecord(
    repository=REPOSITORY,
    id="AAECAwQFBgcICQoLDA0ODw",
    agent="agent-7",
    goal="make the parser strict",
    base_commit=oid("base"),
    base_tree=oid("base tree"),
    snapshot=sha("snapshot"),
    started_at=NOW,
    issued_at=NOW,
)

LANDING = Landing(
    commit=oid("landed"),
    repository=REPOSITORY,
    ref="refs/heads/main",
    old=oid("base"),
    policy_sha256=sha("policy"),
    policy_version=7,
    verified_at=NOW,
    evidence=tuple(sorted((sha("one"), sha("two")))),
    verifier="https://git.example.org/project",
)

VERIFICATION = Verification(
    inputs_tree=CHECK_RUN.inputs_tree,
    repository=REPOSITORY,
    check="test",
    definition=CHECK_RUN.definition,
    drv_path=CHECK_RUN.drv_path,
    system=CHECK_RUN.system,
    method="rebuilt",
    reproduced=True,
    result_sha256=CHECK_RUN.result_sha256,
    attestation=sha("one"),
    nix_name="nix",
    nix_version="2.34.8",
    verifier="rebuilder-1",
    issued_at=NOW,
)

BYPASS = Bypass(
    commit=oid("urgent"),
    repository=REPOSITORY,
    ref="refs/heads/main",
    old=oid("base"),
    waives=("checks", "tests"),
    reason="the test machine is on fire, and so is production\n",
    requested_by="alice",
    nonce="AAECAwQFBgcICQoLDA0ODw",
    not_after=NOW + timedelta(hours=2),
    issued_at=NOW,
)

BYPASSED_LANDING = Landing(
    commit=oid("urgent"),
    repository=REPOSITORY,
    ref="refs/heads/main",
    old=oid("base"),
    policy_sha256=sha("policy"),
    policy_version=7,
    verified_at=NOW,
    evidence=tuple(sorted((sha("one"), sha("bypass")))),
    verifier="https://git.example.org/project",
    bypass=sha("bypass"),
    waived=("LFCI101", "LFCI213"),
)

STATEMENTS = {
    "check-run": CHECK_RUN,
    "approval": APPROVAL,
    "session": SESSION,
    "landing": LANDING,
    "verification": VERIFICATION,
    "bypass": BYPASS,
    "landing-bypassed": BYPASSED_LANDING,
}
