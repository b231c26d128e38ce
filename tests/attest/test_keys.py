"""Which public keys are accepted at enrolment, and which signatures verify."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.attest import keys
from lfci_gate.attest.encoding import b64encode
from lfci_gate.errors import UsageError
from lfci_gate.model import PublicKey
from tests.support.evidence import ALICE, BOB, CAROL, ED25519_ORDER, P256_ORDER

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P

OPENSSH, SUBJECT = serialization.PublicFormat.OpenSSH, serialization.PublicFormat.SubjectPublicKeyInfo
SSH, PEM = serialization.Encoding.OpenSSH, serialization.Encoding.PEM


def refused(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        keys.parse_public(text)
    assert caught.value.code == "LFCI202"
    return caught.value.message


def line_of(raw: bytes) -> str:
    blob = b"\0\0\0\x0bssh-ed25519" + len(raw).to_bytes(4, "big") + raw
    return "ssh-ed25519 " + b64encode(blob)


# -- points of the Edwards curve, written independently of the code under test ------------------


def x_of(y: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for candidate in (root, root * pow(2, (P - 1) // 4, P) % P):
        if candidate * candidate % P == square:
            return candidate
    return None


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    product = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P) % P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
    return x, y


def times(n: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    for bit in bin(n)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def encoded(point: tuple[int, int]) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def small_order_points() -> set[tuple[int, int]]:
    """All eight: multiples of the group order of points until one of order 8 is found."""
    y = 2
    while True:
        x = x_of(y)
        if x is not None:
            torsion = times(ED25519_ORDER, (x, y))
            points = {times(n, torsion) for n in range(8)}
            if len(points) == 8:
                return points
        y += 1


# -- enrolment ---------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", [ALICE, CAROL], ids=["ed25519", "ecdsa"])
def test_both_kinds_are_read_as_openssh_line_and_as_pem(signer) -> None:
    public = signer.key.public_key()
    assert keys.parse_public(public.public_bytes(SSH, OPENSSH).decode()) == signer.public
    assert keys.parse_public(public.public_bytes(PEM, SUBJECT).decode()) == signer.public
    line = keys.format_public(signer.public, "alice@example.org her key")
    assert line.startswith(public.public_bytes(SSH, OPENSSH).decode())
    assert keys.parse_public(line + "\n") == signer.public
    assert keys.from_blob(keys.blob_of(signer.public)) == signer.public


@pytest.mark.parametrize("signer", [ALICE, CAROL], ids=["ed25519", "ecdsa"])
def test_the_fingerprint_is_what_ssh_keygen_prints(signer, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(keys.format_public(signer.public, "comment") + "\n")
    printed = subprocess.run(["ssh-keygen", "-lf", file], check=True, capture_output=True, text=True)
    assert printed.stdout.split()[1] == signer.public.fingerprint


def test_all_eight_points_of_small_order_are_refused() -> None:
    points = small_order_points()
    for point in points:
        assert "small order" in refused(line_of(encoded(point)))
    # With x = 0 the sign bit says nothing, so there are two more encodings.
    for y in (1, P - 1):
        assert "small order" in refused(line_of((y | 1 << 255).to_bytes(32, "little")))


@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_all_non_canonical_ed25519_points_are_refused(sign: int) -> None:
    for y in range(P, 2**255):
        assert "non-canonical" in refused(line_of((y | sign).to_bytes(32, "little")))


def test_a_number_that_is_no_point_of_the_curve_is_refused() -> None:
    on, off = 0, 0
    for y in range(2, 200):
        if x_of(y) is None:
            assert "not a point" in refused(line_of(y.to_bytes(32, "little")))
            off += 1
        else:
            keys.parse_public(line_of(y.to_bytes(32, "little")))
            on += 1
    assert on > 50
    assert off > 50


def test_a_forged_signature_by_a_small_order_key_would_have_verified() -> None:
    """Why the rule exists: with the identity as key, one signature is by nobody and over every message."""
    identity = PublicKey("ed25519", encoded((0, 1)), "")
    base_point = add((x_of(4 * pow(5, -1, P) % P) or 0, 4 * pow(5, -1, P) % P), (0, 1))
    forged = encoded(base_point) + (1).to_bytes(32, "little")
    raw = ed25519.Ed25519PublicKey.from_public_bytes(identity.raw)
    other_sign = encoded((P - base_point[0], base_point[1])) + (1).to_bytes(32, "little")
    accepted = 0
    for signature in (forged, other_sign):
        try:
            raw.verify(signature, b"anything")
            raw.verify(signature, b"anything else")
            accepted += 1
        except InvalidSignature:  # the other sign of the base point
            continue
    assert accepted == 1
    assert "small order" in refused(line_of(identity.raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x02" + CAROL.public.raw[1:33], "bytes instead of 65"),
        (b"\x02" + CAROL.public.raw[1:], "uncompressed"),
        (b"\x00" * 65, "uncompressed"),
        (b"\x04" + b"\x00" * 64, "not a point"),
        (CAROL.public.raw[:-1] + bytes([CAROL.public.raw[-1] ^ 1]), "not a point"),
        (b"\x04" + b"\xff" * 64, "not a point"),
    ],
)
def test_bad_ec_points_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        keys.from_raw("ecdsa-p256", raw)
    assert caught.value.code == "LFCI202"
    assert message in caught.value.message


def test_an_ec_point_with_a_coordinate_not_below_the_prime_is_refused() -> None:
    p256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow(b, (p256 + 1) // 4, p256)  # x = 0
    raw = b"\x04" + bytes(32) + y.to_bytes(32, "big")
    assert keys.from_raw("ecdsa-p256", raw).raw == raw
    with pytest.raises(UsageError, match="not a point"):
        keys.from_raw("ecdsa-p256", b"\x04" + p256.to_bytes(32, "big") + y.to_bytes(32, "big"))
    x = 0xD7325D7646CD60D80A92738CEB345F844CFFAF35841022CAB176F692DE8DE1D7  # a point whose y is 5
    raw = b"\x04" + x.to_bytes(32, "big") + (5).to_bytes(32, "big")
    assert keys.from_raw("ecdsa-p256", raw).raw == raw
    with pytest.raises(UsageError, match="not a point"):
        keys.from_raw("ecdsa-p256", b"\x04" + x.to_bytes(32, "big") + (p256 + 5).to_bytes(32, "big"))


def test_other_kinds_of_keys_are_refused_and_named() -> None:
    rsa_key = rsa.generate_private_key(65537, 3072).public_key()
    assert "RSA" in refused(rsa_key.public_bytes(SSH, OPENSSH).decode())
    assert "not an Ed25519" in refused(rsa_key.public_bytes(PEM, SUBJECT).decode())
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    assert "unknown kind" in refused(p384.public_bytes(SSH, OPENSSH).decode())
    assert "hardware" in refused("sk-ssh-ed25519@openssh.com AAAA")
    assert "unknown kind" in refused("ssh-\u0435d25519 AAAA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "ssh-ed25519",
        "AAAAC3",
        "restrict " + keys.format_public(ALICE.public),
        keys.format_public(ALICE.public) + "\n" + keys.format_public(BOB.public),
        keys.format_public(ALICE.public, "bell\a"),
        keys.format_public(ALICE.public) + "=",
        keys.format_public(ALICE.public)[:-4],
        keys.format_public(CAROL.public).replace("ecdsa-sha2-nistp256 ", "ssh-ed25519 "),
        keys.format_public(ALICE.public).replace("ssh-ed25519 ", "ecdsa-sha2-nistp256 "),
        "ssh-ed25519 " + b64encode(keys.blob_of(ALICE.public) + b"\0\0\0\0"),
        "ssh-ed25519 " + b64encode(keys.blob_of(ALICE.public) + b"\0"),
        line_of(ALICE.public.raw[:-1]),
        line_of(ALICE.public.raw + b"\0"),
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "x" * 5000,
    ],
)
def test_malformed_keys_are_refused(text: str) -> None:
    refused(text)


def test_the_longest_text_of_a_key_has_4096_characters() -> None:
    line = keys.format_public(ALICE.public) + " "
    assert keys.parse_public(line + "c" * (4096 - len(line))) == ALICE.public
    assert "longer than 4096" in refused(line + "c" * (4097 - len(line)))


def test_a_line_without_a_comment_is_a_key_and_a_comment_may_have_spaces() -> None:
    line = keys.format_public(ALICE.public)
    assert line.count(" ") == 1
    assert keys.parse_public(line) == ALICE.public
    assert keys.parse_public(line + " a b c") == ALICE.public
    assert keys.format_public(ALICE.public, "a b c") == line + " a b c"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ssh-ed25519", "neither"),
        (keys.format_public(ALICE.public, "bell\a"), "neither"),
        ("ssh-rsa AAAA", "RSA and DSA"),
        ("ssh-dss AAAA", "RSA and DSA"),
        ("ssh-xmss AAAA", "unknown kind"),
        (keys.format_public(ALICE.public)[:-1], "not strict base64"),
        (keys.format_public(CAROL.public).replace("ecdsa-sha2-nistp256 ", "ssh-ed25519 "), "names one kind"),
        (keys.format_public(ALICE.public).replace("ssh-ed25519 ", "ecdsa-sha2-nistp256 "), "names one kind"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END CERTIFICATE-----", "not exactly one"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END PUBLIC KEY-----", "not exactly one"),
        ("-----BEGIN PUBLIC KEY-----\nAAA\n-----END PUBLIC KEY-----", "not strict base64"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not an Ed25519"),
    ],
)
def test_what_is_wrong_with_a_key_is_said(text: str, why: str) -> None:
    assert why in refused(text)


def blob(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        blob(b"ssh-ed25519"),
        blob(b"ssh-ed25519", ALICE.public.raw)[:-1],
        blob(b"ssh-ed25519", ALICE.public.raw) + b"\0",
        blob(b"ssh-ed25519", ALICE.public.raw, b""),
        blob(b"ssh-ed25519", ALICE.public.raw, b"", b""),
        blob(b"ssh-ed25520", ALICE.public.raw),
        blob(b"ecdsa-sha2-nistp256", CAROL.public.raw),
        blob(b"ecdsa-sha2-nistp256", b"nistp256"),
        blob(b"ecdsa-sha2-nistp256", b"nistp384", CAROL.public.raw),
        blob(b"ecdsa-sha2-nistp384", b"nistp256", CAROL.public.raw),
        blob(b"ecdsa-sha2-nistp256", b"nistp256", CAROL.public.raw, b""),
        blob(b"ecdsa-sha2-nistp256", b"nistp256", CAROL.public.raw, b"", b""),
    ],
)
def test_a_blob_of_another_form_is_malformed(data: bytes) -> None:
    with pytest.raises(UsageError, match="malformed") as caught:
        keys.from_blob(data)
    assert caught.value.code == "LFCI202"


@pytest.mark.parametrize(("kind", "size"), [("ed25519", 32), ("ecdsa-p256", 65)])
def test_raw_keys_have_the_length_of_their_kind(kind: str, size: int) -> None:
    for wrong in (0, size - 1, size + 1):
        with pytest.raises(UsageError, match=f"{wrong} bytes instead of {size}"):
            keys.from_raw(kind, b"\4" * wrong)
    with pytest.raises(UsageError, match="unknown kind"):
        keys.from_raw("rsa", ALICE.public.raw)


def test_an_ed25519_signature_has_64_bytes_and_s_below_the_order() -> None:
    """Held before the library is asked, so that it does not hang on the library."""
    for s in (ED25519_ORDER, ED25519_ORDER + 1, 2**256 - 1):
        assert not keys._verify_ed25519(b"not asked", bytes(32) + s.to_bytes(32, "little"), b"m")
    for size in (0, 32, 63, 65):
        assert not keys._verify_ed25519(b"not asked", bytes(size), b"m")


@pytest.mark.parametrize(
    ("r", "s"),
    [(1, 1), (1, P256_ORDER - 1), (P256_ORDER - 1, 1), (P256_ORDER - 1, P256_ORDER - 1), (127, 128)],
)
def test_integers_in_range_are_strict_der_of_8_to_72_bytes(r: int, s: int) -> None:
    signature = encode_dss_signature(r, s)
    assert 8 <= len(signature) <= 72
    assert keys._is_strict_ecdsa(signature)


@pytest.mark.parametrize(
    "signature",
    [
        *(encode_dss_signature(r, s) for r, s in ((0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER))),
        *(encode_dss_signature(1, 1)[:size] for size in range(8)),
        encode_dss_signature(1, 1) + b"\0",
        encode_dss_signature(1, 1).replace(b"\2", b"\3"),
        encode_dss_signature(1, 1).replace(b"\2", b"\3", 1),
        encode_dss_signature(P256_ORDER - 1, P256_ORDER - 1) + b"\0",
        bytes.fromhex("300702020001020101"),
        bytes.fromhex("300702010102020001"),
        bytes.fromhex("3006020181020101"),
    ],
)
def test_other_bytes_are_not_strict_der(signature: bytes) -> None:
    assert not keys._is_strict_ecdsa(signature)
    assert not keys._verify_ecdsa(b"not asked", signature, b"m")


def test_two_pem_blocks_are_refused() -> None:
    pem = ALICE.key.public_key().public_bytes(PEM, SUBJECT).decode()
    refused(pem + BOB.key.public_key().public_bytes(PEM, SUBJECT).decode())


@given(
    st.one_of(st.text(max_size=200), st.binary(max_size=80).map(lambda raw: "ssh-ed25519 " + b64encode(raw)))
)
def test_any_text_is_a_key_or_one_error(text: str) -> None:
    try:
        key = keys.parse_public(text)
    except UsageError as error:
        assert error.code == "LFCI202"  # noqa: PT017 - either way is right
    else:
        assert keys.parse_public(keys.format_public(key)) == key


@given(st.binary(min_size=32, max_size=32))
def test_the_point_check_agrees_with_independent_arithmetic(raw: bytes) -> None:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    x = x_of(y) if y < P else None
    small = x is not None and times(8, (x, y)) == (0, 1)
    if x is None or small:
        refused(line_of(raw))
    else:
        assert keys.parse_public(line_of(raw)).raw == raw


def test_reading_and_formatting_keys_does_not_import_cryptography() -> None:
    code = f"""
import sys
from lfci_gate.attest import bundle, dsse, keys, signers
for line in {[keys.format_public(ALICE.public), keys.format_public(CAROL.public)]!r}:
    keys.format_public(keys.parse_public(line))
assert not [name for name in sys.modules if name.startswith("cryptography")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_verifying_does_not_import_the_serialization_module() -> None:
    pairs = [(s.public.kind, s.public.raw, s.sign(b"m")) for s in (ALICE, CAROL)]
    code = f"""
import sys
from lfci_gate.attest import keys
for kind, raw, signature in {pairs!r}:
    assert keys.verify(keys.from_raw(kind, raw), signature, b"m")
    if kind == "ed25519":
        assert "cryptography.hazmat.primitives.asymmetric.ec" not in sys.modules
assert "cryptography.hazmat.primitives.serialization" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


# -- verification ------------------------------------------------------------------------------


def test_only_the_right_key_message_and_signature_verify() -> None:
    for signer, other in ((ALICE, BOB), (CAROL, ALICE), (ALICE, CAROL)):
        signature = signer.sign(b"message")
        assert keys.verify(signer.public, signature, b"message")
        assert not keys.verify(signer.public, signature, b"Message")
        assert not keys.verify(signer.public, signature + b"\0", b"message")
        assert not keys.verify(signer.public, signature[:-1], b"message")
        assert not keys.verify(signer.public, b"", b"message")
        assert not keys.verify(other.public, signature, b"message")


def test_a_key_of_a_kind_that_is_not_known_verifies_nothing() -> None:
    key = PublicKey("rsa", ALICE.public.raw, "")
    assert not keys.verify(key, ALICE.sign(b"m"), b"m")
    assert not keys.verify(PublicKey("rsa", CAROL.public.raw, ""), CAROL.sign(b"m"), b"m")


def test_an_ed25519_signature_with_the_group_order_added_to_s_is_refused() -> None:
    signature = ALICE.sign(b"message")
    s = int.from_bytes(signature[32:], "little")
    for factor in range(1, 16):
        malleated = signature[:32] + (s + factor * ED25519_ORDER).to_bytes(32, "little")
        assert not keys.verify(ALICE.public, malleated, b"message")


def test_the_backend_too_refuses_s_plus_the_group_order() -> None:
    """Known answer for the library underneath: our own check is the second one, not the only one."""
    signature = ALICE.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    with pytest.raises(InvalidSignature):
        ALICE.key.public_key().verify(signature[:32] + s.to_bytes(32, "little"), b"message")


def test_an_ecdsa_signature_with_high_s_verifies_too() -> None:
    """Known and harmless (keys.verify says why); what counts is that it makes no second attestation."""
    r, s = decode_dss_signature(CAROL.sign(b"message"))
    assert keys.verify(CAROL.public, encode_dss_signature(r, P256_ORDER - s), b"message")


def test_ecdsa_signatures_in_any_other_form_than_strict_der_are_refused() -> None:
    r, s = decode_dss_signature(CAROL.sign(b"message"))
    strict = encode_dss_signature(r, s)
    assert keys.encode_ecdsa_signature(r, s) == strict
    assert keys.verify(CAROL.public, strict, b"message")
    body = strict[2:]
    for loose in (
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        b"\x30\x81" + bytes([len(body)]) + body,
        b"\x30\x80" + body + b"\0\0",
        strict + b"\0",
        b"\x31" + strict[1:],
        b"\x30" + bytes([len(body) + 1]) + b"\x02" + bytes([body[1] + 1]) + b"\0" + body[2:],
        keys.encode_ecdsa_signature(r + P256_ORDER, s),
        keys.encode_ecdsa_signature(r, s + P256_ORDER),
    ):
        assert loose != strict
        assert not keys.verify(CAROL.public, loose, b"message")


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER)])
def test_vacuous_ecdsa_signatures_are_refused(r: int, s: int) -> None:
    assert not keys.verify(CAROL.public, encode_dss_signature(r, s), b"message")


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_der_is_written_as_the_library_writes_it(r: int, s: int) -> None:
    assert keys.encode_ecdsa_signature(r, s) == encode_dss_signature(r, s)


@given(st.sampled_from([ALICE, CAROL]), st.binary(max_size=80))
def test_arbitrary_bytes_are_no_signature(signer, signature: bytes) -> None:
    assert not keys.verify(signer.public, signature, b"message")


@given(st.sampled_from([ALICE, CAROL]), st.data())
def test_a_changed_bit_of_a_signature_is_refused(signer, data) -> None:
    signature = bytearray(signer.sign(b"message"))
    position = data.draw(st.integers(0, len(signature) * 8 - 1))
    signature[position // 8] ^= 1 << position % 8
    assert not keys.verify(signer.public, bytes(signature), b"message")
