"""The stored line: its exact bytes, and everything that is not it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lfci_gate.attest import bundle
from lfci_gate.attest.bundle import (
    MAX_BUNDLE_BYTES,
    Bundle,
    format_bundle,
    make_bundle,
    parse_bundle,
    parse_note,
)
from lfci_gate.attest.dsse import Envelope, attestation_id, sign, signed_by
from lfci_gate.attest.encoding import b64encode
from lfci_gate.attest.shape import Mismatch
from lfci_gate.errors import Refusal
from tests.support.evidence import ALICE, BOB, CAROL

PAYLOAD = '{"_type":"https://in-toto.io/Statement/v1","text":"\u00fc\u00df?"}'.encode()
KEYS = (ALICE.public, BOB.public, CAROL.public)
LINES = {
    signer.public.kind: format_bundle(make_bundle(sign(PAYLOAD, signer), signer.public))
    for signer in (ALICE, CAROL)
}


def refused(line: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        parse_bundle(line)
    assert caught.value.code == "LFCI110"
    return caught.value.message


def changed(path: str, value: object) -> bytes:
    """Alice's line with the value at ``path`` set (a dict's key, a list's position)."""
    data = json.loads(LINES["ed25519"])
    *parents, last = path.split("/")
    at = data
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at[part]
    at[last] = value
    return json.dumps(data).encode()


def test_the_line_is_exactly_the_documented_shape() -> None:
    bundle = Bundle(Envelope(b"{}", (b"\1\2\3",)), "SHA256:abc")
    assert format_bundle(bundle) == (
        b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
        b'"verificationMaterial":{"publicKey":{"hint":"SHA256:abc"}},'
        b'"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json",'
        b'"signatures":[{"sig":"AQID"}]}}'
    )


@pytest.mark.parametrize("signer", [ALICE, CAROL], ids=["ed25519", "ecdsa"])
def test_what_is_written_is_read_back(signer) -> None:
    bundle = make_bundle(sign(PAYLOAD, signer), signer.public)
    assert bundle.hint == signer.public.fingerprint
    line = format_bundle(bundle)
    assert b"\n" not in line
    assert b"keyid" not in line
    assert parse_bundle(line) == bundle


def test_a_foreign_bundle_in_other_order_with_keyid_and_spaces_is_read() -> None:
    foreign = json.dumps(
        {
            "dsseEnvelope": {
                **json.loads(LINES["ed25519"])["dsseEnvelope"],
                "signatures": [
                    {"keyid": "", **json.loads(LINES["ed25519"])["dsseEnvelope"]["signatures"][0]}
                ],
            },
            "verificationMaterial": {"publicKey": {"hint": "theirs"}},
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        },
        indent=2,
    ).encode()
    bundle = parse_bundle(foreign)
    assert signed_by(bundle.envelope, KEYS) == (ALICE.public,)
    assert b"keyid" not in format_bundle(bundle)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mediaType", "application/vnd.dev.sigstore.bundle.v0.2+json"),
        ("mediaType", None),
        ("extra", 1),
        ("verificationMaterial/tlogEntries", []),
        ("verificationMaterial/publicKey", "x"),
        ("verificationMaterial/publicKey/hint", ""),
        ("verificationMaterial/publicKey/hint", "a\nb"),
        ("verificationMaterial/publicKey/hint", 7),
        ("verificationMaterial/publicKey/rawBytes", "AA=="),
        ("dsseEnvelope/payloadType", "application/vnd.in-toto+json "),
        ("dsseEnvelope/payloadType", "application/json"),
        ("dsseEnvelope/payload", "e30"),
        ("dsseEnvelope/payload", "e31="),
        ("dsseEnvelope/payload", "e3 0="),
        ("dsseEnvelope/payload", None),
        ("dsseEnvelope/extra", 0),
        ("dsseEnvelope/signatures", []),
        ("dsseEnvelope/signatures", {}),
        ("dsseEnvelope/signatures", ["AQID"]),
        ("dsseEnvelope/signatures", [{}]),
        ("dsseEnvelope/signatures", [{"sig": ""}]),
        ("dsseEnvelope/signatures", [{"sig": "AQI"}]),
        ("dsseEnvelope/signatures", [{"sig": "AQI_"}]),
        ("dsseEnvelope/signatures", [{"sig": "AQID", "cert": ""}]),
        ("dsseEnvelope/signatures", [{"sig": "AQID", "keyid": None}]),
        ("dsseEnvelope/signatures", [{"sig": "AQID"}] * 17),
        ("dsseEnvelope/signatures", [{"sig": "AQID" * 400}]),
        ("dsseEnvelope/signatures", [{"sig": b64encode(b"x" * 1025)}]),
        ("dsseEnvelope/signatures", [{"sig": 1}]),
    ],
)
def test_a_bundle_of_another_shape_is_refused(path: str, value: object) -> None:
    refused(changed(path, value))


@pytest.mark.parametrize(
    "key", ["mediaType", "hint", "payload", "payloadType", "signatures", "sig", "dsseEnvelope"]
)
def test_a_key_that_is_there_twice_is_refused(key: str) -> None:
    line = LINES["ed25519"]
    name = f'"{key}":'.encode()
    assert "duplicate key" in refused(line.replace(name, name + b'"",' + name, 1))


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"null", b"{}", b"\xff", b"\xef\xbb\xbf" + LINES["ed25519"], b"[" * 9999]
)
def test_what_is_no_object_is_refused(line: bytes) -> None:
    refused(line)


@pytest.mark.parametrize("size", [1, 1024])
def test_a_signature_has_1_to_1024_bytes(size: int) -> None:
    line = changed("dsseEnvelope/signatures", [{"sig": b64encode(b"x" * size)}])
    assert parse_bundle(line).envelope.signatures == (b"x" * size,)


def test_base64_has_a_least_and_a_largest_size() -> None:
    """Of a shape made here: those in use were made while their module was imported."""
    form = bundle._base64(1, 2)
    assert [form(value) for value in ("AQ==", "AQI=")] == [b"\1", b"\1\2"]
    for value in ("", "AQID", "AQ", 1, None):
        with pytest.raises(Mismatch):
            form(value)


def test_what_is_no_base64_is_said_to_be_none() -> None:
    for value in ("AQI", "", 1, None):
        message = refused(changed("dsseEnvelope/signatures", [{"sig": value}]))
        assert message.endswith("signatures.0.sig: must be strict base64 of 1 to 1024 bytes")
    assert parse_bundle(changed("dsseEnvelope/payload", "")).envelope.payload == b""


def test_sixteen_signatures_are_read_and_the_size_is_capped() -> None:
    assert (
        len(parse_bundle(changed("dsseEnvelope/signatures", [{"sig": "AQID"}] * 16)).envelope.signatures)
        == 16
    )
    line = LINES["ed25519"]
    assert parse_bundle(line + b" " * (MAX_BUNDLE_BYTES - len(line)))
    assert "larger than" in refused(line + b" " * (MAX_BUNDLE_BYTES - len(line) + 1))


@pytest.mark.parametrize(
    "bundle",
    [
        Bundle(Envelope(b"{}", ()), "SHA256:abc"),
        Bundle(Envelope(b"{}", (b"",)), "SHA256:abc"),
        Bundle(Envelope(b"{}", (b"x",) * 17), "SHA256:abc"),
        Bundle(Envelope(b"{}", (b"x",), "text/plain"), "SHA256:abc"),
        Bundle(Envelope(b"x" * MAX_BUNDLE_BYTES, (b"x",)), "SHA256:abc"),
        Bundle(Envelope(b"{}", (b"x",)), ""),
        Bundle(Envelope(b"{}", (b"x",)), 'a","b":"'),
        Bundle(Envelope(b"{}", (b"x",)), "a\\"),
        Bundle(Envelope(b"{}", (b"x",)), "a\\u0062"),  # would be read back as "ab"
        Bundle(Envelope(b"{}", (b"x",)), "a\ud800"),
        Bundle(Envelope(b"{}", (b"x",)), "a\nb"),
    ],
)
def test_what_would_not_be_read_is_not_written(bundle: Bundle) -> None:
    with pytest.raises(Refusal) as caught:
        format_bundle(bundle)
    assert caught.value.code == "LFCI110"


def test_a_note_is_lines_and_each_is_judged_on_its_own() -> None:
    first, second = LINES.values()
    assert parse_note(first + b"\n" + second + b"\n") == (first, second)
    assert parse_note(b"\n" + first + b"\n\nnoise") == (first, b"noise")
    assert parse_note(b"") == ()
    largest = b"x" * (64 * 1024 * 1024)
    assert parse_note(largest) == (largest,)
    with pytest.raises(Refusal) as caught:
        parse_note(b"x" * (64 * 1024 * 1024 + 1))
    assert caught.value.code == "LFCI110"


@given(st.binary())
@example(b'{"mediaType":"\\ud800"}')
@example(b'{"mediaType":1e400}')
def test_any_bytes_are_a_bundle_or_one_refusal(line: bytes) -> None:
    try:
        parse_bundle(line)
    except Refusal as refusal:
        assert refusal.code == "LFCI110"  # noqa: PT017 - either way is right


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, bytes]:
    """A stored line with one edit anywhere: a byte changed, put in, taken out, or the rest cut off."""
    kind = draw(st.sampled_from(sorted(LINES)))
    line = LINES[kind]
    at = draw(st.integers(0, len(line) - 1))
    byte = bytes([draw(st.integers(0, 255))])
    edit = draw(st.sampled_from(["flip", "replace", "insert", "delete", "truncate", "swap"]))
    if edit == "flip":
        return kind, line[:at] + bytes([line[at] ^ 1 << draw(st.integers(0, 7))]) + line[at + 1 :]
    if edit == "replace":
        return kind, line[:at] + byte + line[at + 1 :]
    if edit == "insert":
        return kind, line[:at] + byte + line[at:]
    if edit == "delete":
        return kind, line[:at] + line[at + draw(st.integers(1, 8)) :]
    if edit == "swap":
        return kind, line[:at] + line[at + 1 : at + 2] + line[at : at + 1] + line[at + 2 :]
    return kind, line[:at]


def verified(line: bytes) -> tuple[object, ...] | None:
    try:
        envelope = parse_bundle(line).envelope
    except Refusal as refusal:
        assert refusal.code == "LFCI110"  # noqa: PT017 - either way is right
        return None
    signers = signed_by(envelope, KEYS)
    return (signers, envelope.payload, envelope.payload_type, attestation_id(envelope)) if signers else None


@given(edits())
def test_any_changed_byte_of_a_stored_line_is_refused_or_changes_nothing_that_was_verified(edit) -> None:
    kind, line = edit
    assert verified(line) in (None, verified(LINES[kind]))


@pytest.mark.parametrize("kind", sorted(LINES))
def test_every_single_flipped_bit_is_refused_or_in_the_hint(kind: str) -> None:
    line = LINES[kind]
    hint = range(line.index(b"SHA256:"), line.index(b'"}},"dsse'))
    good = verified(line)
    for at in range(len(line)):
        for bit in range(8) if kind == "ed25519" else (0, 5):
            flipped = line[:at] + bytes([line[at] ^ 1 << bit]) + line[at + 1 :]
            assert verified(flipped) == (good if at in hint and verified(flipped) else None), (at, bit)
