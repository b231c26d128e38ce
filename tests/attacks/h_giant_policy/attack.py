"""A proposed policy with thousands of keys and hundreds of rules: to read it and to ask whether it can be
met takes time.

1. Eve proposes one with 3,500 keys, one of more than a megabyte, one nested a thousand deep, one with a
   million dots.
2. LFCI202 or LFCI412 with LFCI206, or LFCI206 alone, within the bound.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import RULE, Attack, Scene, ed25519_signer, policy_text

ATTACK = Attack("H", "a policy of thousands of keys", expect=("LFCI202", "LFCI206"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    line = format_public(ed25519_signer("one").public)
    small = policy_text(version=2)
    keys = "".join(f'[keys.k{number}]\npublic = "{line}"\nroles = ["agent"]\n' for number in range(3500))
    for proposal, code in (
        (small + keys.encode(), ("LFCI202", "LFCI206")),
        (small + b"# " + b"x" * (1 << 20) + b"\n", ("LFCI206", "LFCI412")),
        (small + b"x = " + b"[" * 1000 + b"]" * 1000 + b"\n", ("LFCI202", "LFCI206")),
        (b"a" + b".a" * 200_000 + b" = 1\n", ("LFCI202", "LFCI206")),
        (policy_text(version=2, rules=({**RULE, "refs": ["refs/heads/main"]},) * 200), ("LFCI206",)),
    ):
        eve.start(base)
        eve.edit({".lfci/policy.toml": proposal})
        scene.refused(eve, "main", eve.evidence("HEAD"), code=code)
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
