"""The same ECDSA signature in other encodings: BER lengths, leading zeros, trailing bytes, raw r || s.

1. Each is another sequence of bytes for one signature: LFCI102, only the one DER form counts.
2. r + n and s + n, and negative numbers: LFCI102.
3. The DER form lands.
"""

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from lfci_gate.attest.keys import encode_ecdsa_signature, format_public
from tests.attacks.kit import Attack, Scene, bundle_text, ecdsa_signer, payload_of, policy_text, sign_raw
from tests.support.evidence import P256_ORDER

ATTACK = Attack("A", "ECDSA signature in other encodings", expect=("LFCI102",))
CAROL = ecdsa_signer("carol")


def mount(scene: Scene) -> None:
    keys = {"carol": {"public": format_public(CAROL.public), "roles": ["agent"]}}
    scene.setup(server_policy=policy_text(keys=keys))
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), CAROL.public.fingerprint
    good = sign_raw(CAROL, payload)
    r, s = decode_dss_signature(good)
    raw_r, raw_s = (number.to_bytes(32, "big") for number in (r, s))
    body = good[2:]
    for bad in (
        raw_r + raw_s,
        b"\x30\x81" + good[1:],
        good + b"\0",
        b"\x30\x80" + body + b"\0\0",
        b"\x30" + bytes([len(body) + 1]) + b"\x02" + bytes([good[3] + 1]) + b"\0" + body[2:],
        encode_ecdsa_signature(r + P256_ORDER, s),
        encode_ecdsa_signature(r, s + P256_ORDER),
        b"\x30\x44\x02\x20" + raw_r + b"\x02\x20" + (P256_ORDER - s + (1 << 255)).to_bytes(33, "big")[-32:],
    ):
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, [bad], hint), result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [good], hint), result))
