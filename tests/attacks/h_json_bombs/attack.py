"""Statements and bundles that are huge, deep, wide, or made of one token: a reader that decodes first is
lost.

1. Eve delivers bundles nested 100,000 deep, with a number of a million digits, a string of a megabyte,
   100,000 keys, a payload of 250 KiB, a line of 300 KiB.
2. LFCI110 or, for what is too large, LFCI210.
"""

from tests.attacks.kit import STRANGER, Attack, Scene, bundle_text, sign_raw

ATTACK = Attack("H", "JSON that is huge or deep", expect=("LFCI110",), gateless=False)


def mount(scene: Scene) -> None:
    eve = scene.eve
    hint = STRANGER.public.fingerprint
    names = {"subject": "1" * 40, "identifier": "2" * 64}
    deep = b"[" * 100_000 + b"]" * 100_000
    keys = b"{" + b",".join(b'"%d":0' % number for number in range(20_000)) + b"}"
    for line in (
        deep,
        b"{" * 200_000,
        b"9" * 200_000,
        b'"' + b"\\u0041" * 40_000 + b'"',
        keys,
        b"[" + b"0," * 100_000 + b"0]",
    ):
        scene.refused(eve, eve.deliver(line, b"", **names))
    for payload in (deep[:90_000] + deep[-90_000:], b"9" * 180_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000):
        line = bundle_text(payload, [sign_raw(STRANGER, payload)], hint)
        identifier = _id(payload)
        scene.refused(eve, eve.deliver(line, b"", subject="1" * 40, identifier=identifier))
    scene.refused(eve, eve.deliver(b"x" * 300_000, b"", **names), code="LFCI210")
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))


def _id(payload: bytes) -> str:
    import hashlib

    from lfci_gate.attest.dsse import pae

    return hashlib.sha256(pae("application/vnd.in-toto+json", payload)).hexdigest()
