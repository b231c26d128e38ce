"""Envelopes: what is signed, who signed, and that securesystemslib agrees in both directions."""

from __future__ import annotations

import copy
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from lfci_gate.attest import dsse
from lfci_gate.attest.dsse import PAYLOAD_TYPE, Envelope, attestation_id, pae, sign, signed_by
from lfci_gate.attest.encoding import b64decode, b64encode
from lfci_gate.attest.keys import verify
from lfci_gate.errors import UsageError
from tests.support.evidence import ALICE, BOB, CAROL, P256_ORDER

SIGNERS = pytest.mark.parametrize("signer", [ALICE, CAROL], ids=["ed25519", "ecdsa"])


def test_pae_is_the_example_of_the_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_pae_counts_bytes_and_not_characters() -> None:
    assert pae("\u00e9", "\u00fc\u00df".encode()) == b"DSSEv1 2 \xc3\xa9 4 \xc3\xbc\xc3\x9f"


@given(st.text(), st.binary(), st.text(), st.binary())
def test_pae_never_gives_two_messages_the_same_bytes(type_a, payload_a, type_b, payload_b) -> None:
    if (type_a, payload_a) != (type_b, payload_b):
        assert pae(type_a, payload_a) != pae(type_b, payload_b)


@SIGNERS
def test_a_signature_counts_for_its_key_only(signer) -> None:
    envelope = sign(b"{}", signer)
    assert signed_by(envelope, [ALICE.public, BOB.public, CAROL.public]) == (signer.public,)
    assert signed_by(envelope, [BOB.public]) == ()


def test_without_keys_or_signatures_nobody_signed() -> None:
    assert signed_by(sign(b"{}", ALICE), []) == ()
    assert signed_by(Envelope(b"{}", ()), [ALICE.public]) == ()


def test_another_payload_or_type_is_not_signed() -> None:
    envelope = sign(b"{}", ALICE)
    assert signed_by(Envelope(b"{ }", envelope.signatures), [ALICE.public]) == ()
    assert signed_by(Envelope(b"{}", envelope.signatures, PAYLOAD_TYPE + "x"), [ALICE.public]) == ()


def test_one_key_counts_once_however_often_it_is_listed_or_signs() -> None:
    one = sign(b"{}", CAROL).signatures[0]
    r, s = decode_dss_signature(one)
    other = encode_dss_signature(r, P256_ORDER - s)
    envelope = Envelope(b"{}", (one, one, other))
    assert signed_by(envelope, [CAROL.public, CAROL.public]) == (CAROL.public,)


def test_a_key_that_signed_is_not_tried_again(monkeypatch) -> None:
    """Whoever can push decides how many signatures there are: each pair costs one verification at most."""
    tried = []

    def counted(key, signature: bytes, message: bytes) -> bool:
        tried.append((key, signature))
        return verify(key, signature, message)

    monkeypatch.setattr(dsse, "verify", counted)
    envelope = Envelope(b"{}", (*sign(b"{}", CAROL).signatures, b"noise"))
    tried.clear()
    assert signed_by(envelope, [CAROL.public, CAROL.public, ALICE.public]) == (CAROL.public,)
    assert tried == [*((CAROL.public, each) for each in envelope.signatures), (ALICE.public, b"noise")]


def test_no_more_keys_are_taken_than_needed() -> None:
    def keys():
        yield CAROL.public
        raise AssertionError("nobody else can have signed")

    assert signed_by(sign(b"{}", CAROL), keys()) == (CAROL.public,)


def test_every_signer_of_a_shared_envelope_is_found() -> None:
    signatures = tuple(sign(b"{}", signer).signatures[0] for signer in (CAROL, ALICE))
    envelope = Envelope(b"{}", (b"noise", *signatures))
    assert signed_by(envelope, [ALICE.public, BOB.public, CAROL.public]) == (ALICE.public, CAROL.public)


def test_the_id_is_over_the_pae_and_so_of_the_statement_alone() -> None:
    by_alice, by_carol = sign(b"{}", ALICE), sign(b"{}", CAROL)
    expected = hashlib.sha256(b"DSSEv1 28 application/vnd.in-toto+json 2 {}").hexdigest()
    assert attestation_id(by_alice) == attestation_id(by_carol) == expected
    r, s = decode_dss_signature(by_carol.signatures[0])
    flipped = Envelope(b"{}", (encode_dss_signature(r, P256_ORDER - s),))
    assert signed_by(flipped, [CAROL.public]) == (CAROL.public,)
    assert attestation_id(flipped) == expected


def test_a_signer_that_does_not_sign_by_its_key_is_found_out() -> None:
    class Broken:
        public = ALICE.public

        def sign(self, message: bytes) -> bytes:
            return BOB.sign(message)

    with pytest.raises(UsageError) as caught:
        sign(b"{}", Broken())
    assert caught.value.code == "LFCI511"
    assert ALICE.public.fingerprint in caught.value.facts[0]


# -- a second opinion --------------------------------------------------------------------------


def their_key(signer) -> SSlibKey:
    return SSlibKey.from_crypto(signer.key.public_key())


@SIGNERS
def test_securesystemslib_verifies_our_envelopes(signer) -> None:
    envelope = sign('{"text":"\u00fc"}'.encode(), signer)
    key = their_key(signer)
    # from_dict empties the dicts it is given and needs a keyid, which DSSE makes optional.
    data = {
        "payload": b64encode(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [{"keyid": key.keyid, "sig": b64encode(envelope.signatures[0])}],
    }
    theirs = TheirEnvelope.from_dict(copy.deepcopy(data))
    assert theirs.pae() == pae(envelope.payload_type, envelope.payload)
    assert list(theirs.verify([key], 1)) == [key.keyid]
    changed = TheirEnvelope.from_dict({**copy.deepcopy(data), "payload": b64encode(b"{}")})
    with pytest.raises(VerificationError):
        changed.verify([key], 1)


@SIGNERS
def test_we_verify_envelopes_of_securesystemslib(signer) -> None:
    theirs = TheirEnvelope('{"text":"\u00fc"}'.encode(), PAYLOAD_TYPE, {})
    theirs.sign(CryptoSigner(signer.key, their_key(signer)))
    data = theirs.to_dict()
    envelope = Envelope(
        b64decode(data["payload"]),
        tuple(b64decode(signature["sig"]) for signature in data["signatures"]),
        data["payloadType"],
    )
    assert signed_by(envelope, [ALICE.public, BOB.public, CAROL.public]) == (signer.public,)
