"""Which byte strings are public points that anybody may be trusted by: integer arithmetic, nothing secret.

A library loads points of small order, other encodings of the same point, and for Ed25519 even numbers
that are no point at all until a signature is verified. At enrolment each of those is refused.
"""

from __future__ import annotations

__all__ = ["ED25519_ORDER", "P256_ORDER", "ed25519_problem", "p256_problem"]

# Curve25519 in Edwards form (RFC 8032, section 5.1).
_P = 2**255 - 19
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of the base point."""
# y of the eight points of small order; x only differs in sign. Each verifies signatures that nobody made.
_SMALL_ORDER_Y = frozenset(
    (
        0,
        1,
        _P - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    )
)

# NIST P-256 (SP 800-186, section 3.2.1.3); its cofactor is 1, so being on the curve is enough.
_P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
_P256_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the base point."""


def ed25519_problem(raw: bytes) -> str | None:
    """Why these 32 bytes are not to be trusted as an Ed25519 public key; None when they are."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _P:
        return "non-canonical Ed25519 point"
    if y in _SMALL_ORDER_Y:  # also every point with x = 0, whose sign bit would be ambiguous
        return "Ed25519 point of small order"
    # x^2 = (y^2 - 1) / (d y^2 + 1) has a root when the product of both sides is a square;
    # the divisor is never zero because -1/d is not a square.
    y2 = y * y % _P
    if pow((y2 - 1) * (_D * y2 + 1), (_P - 1) // 2, _P) != 1:
        return "not a point of the Ed25519 curve"
    return None


def p256_problem(raw: bytes) -> str | None:
    """Why these 65 bytes are not to be trusted as an ECDSA P-256 public key; None when they are."""
    if raw[0] != 4:
        return "the ECDSA point is not in uncompressed form"
    x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
    if x >= _P256 or y >= _P256 or (y * y - (x * x * x - 3 * x + _P256_B)) % _P256:
        return "not a point of the P-256 curve"
    return None
