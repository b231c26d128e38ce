"""An approved policy that two readers would take differently, or that no reader takes: afterwards every
push would be undecided.

1. Eve has approvals of policies with a key twice, an unknown key, a byte order mark, bad UTF-8, a number in
   the place of a text, a float, and of an empty file.
2. LFCI202 for each.
"""

from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("F", "a policy with two readings or none", expect=("LFCI202",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    good = policy_text(version=2)
    variations = (
        b"version = 1\n" + good,
        b"shadow = true\n" + good,
        b"\xef\xbb\xbf" + good,
        good + b"# \xff\n",
        good.replace(b"version = 2", b'version = "2"'),
        good.replace(b"version = 2", b"version = 2.0"),
        good.replace(b"\n", b"\r"),
        b"",
    )
    for policy in scene.some(variations):
        eve.start(base)
        eve.edit({".lfci/policy.toml": policy})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start(base)
    eve.edit({".lfci/policy.toml": good})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
