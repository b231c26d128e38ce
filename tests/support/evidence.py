"""Test keys and signers. TEST KEYS ONLY: the private halves follow from their names, published here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lfci_gate.attest.keys import ECDSA_P256, ED25519, from_raw
from lfci_gate.model import PublicKey

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
