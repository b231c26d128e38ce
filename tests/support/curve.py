"""P-256 by hand, for keys that nobody may have: the second key that a signature fits (SEC 1, 4.1.6)."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.evidence import P256_ORDER

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


def add(one: Point, two: Point) -> Point:
    """The sum of two points; None is the neutral element."""
    if one is None or two is None:
        return two if one is None else one
    if one[0] == two[0]:
        if (one[1] + two[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, P) % P
    else:
        slope = (two[1] - one[1]) * pow(two[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - two[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def times(number: int, point: Point) -> Point:
    """``point`` added to itself ``number`` times."""
    found: Point = None
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def fitting_keys(signature: bytes, message: bytes) -> list[bytes]:
    """The two uncompressed points under which an ECDSA signature of ``message`` verifies."""
    r, s = decode_dss_signature(signature)
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    y = pow(r**3 - 3 * r + B, (P + 1) // 4, P)
    inverse = pow(r, -1, P256_ORDER)
    found = []
    for each in (y, P - y):
        point = add(times(s * inverse % P256_ORDER, (r, each)), times(-digest * inverse % P256_ORDER, G))
        assert point is not None
        found.append(b"\4" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big"))
    return found
