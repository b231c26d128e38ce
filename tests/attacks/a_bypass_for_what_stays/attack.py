"""A good bypass beside what it cannot take back: who pushes, a trailer with two readings, an approval of the
policy, tests that nobody compared, a signer whose key has ended.

1. The rule wants the pusher to be one who attests: LFCI217 and LFCI218 stay, with LFCI101.
2. A commit with two attestation trailers: LFCI409 and LFCI218. An attested policy that nobody approved:
   LFCI206 and LFCI218. Checks waived without the tests, where the rule compares tests: LFCI101 and LFCI218.
   One of the two who signed has a key that has ended: LFCI101 and LFCI218.
3. An approved policy whose checks are waived lands, and so does a change that waives both words, one in
   which a test vanished and only that is waived, and one without that word where nothing is compared.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.compared import document
from tests.attacks.glass import GLASS, KEYS, bypass, with_glass
from tests.attacks.kit import MAINTAINER, RULE, Attack, Scene, ed25519_signer, hours_ago, policy_text

ATTACK = Attack("A", "break-glass beside what stays refused", expect=("LFCI101", "LFCI218"))
PAST = ed25519_signer("a maintainer of the past")


def mount(scene: Scene) -> None:
    scene.setup(with_glass())
    eve = scene.eve
    base = eve.tip
    scene.forge.set_policy(with_glass(2, pusher="attester"))
    eve.edit()
    scene.refused(eve, "main", bypass(eve), code=("LFCI101", "LFCI217", "LFCI218"))
    ended = {"public": format_public(PAST.public), "roles": ["maintainer"], "valid-until": hours_ago(1)}
    rule = {**RULE, "break-glass": GLASS, "tests": {"removed": "refuse"}}
    given = policy_text(version=3, rules=(rule,), keys={**KEYS, "past": ended})
    scene.forge.set_policy(given)
    early = {"issued_at": hours_ago(2), "not_after": hours_ago(-1)}
    scene.refused(eve, "main", bypass(eve, MAINTAINER, PAST, **early))
    scene.refused(eve, "main", bypass(eve, waives=("checks",)))
    eve.start(base)
    trailer = f"Lfci-Attestation: sha256:{'0' * 64}\n"
    eve.edit(message=f"change\n\n{trailer}{trailer}")
    scene.refused(eve, "main", bypass(eve), code=("LFCI409", "LFCI218"))
    eve.start(base)
    eve.edit({".lfci/policy.toml": with_glass(4)})
    scene.refused(eve, "main", eve.evidence("HEAD"), bypass(eve), code=("LFCI206", "LFCI218"))
    words = bypass(eve, waives=("checks", "tests"))
    scene.lands(eve, "main", words, *eve.approvals("HEAD", base, policy=given))
    eve.edit()
    scene.lands(eve, "main", bypass(eve, waives=("checks", "tests")))
    scene.forge.set_policy(with_glass(5))
    eve.edit()
    scene.lands(eve, "main", bypass(eve, waives=("checks",)))
    scene.forge.set_policy(policy_text(version=6, rules=(rule,), keys=KEYS))
    eve.edit()
    scene.lands(eve, "main", eve.run())
    eve.edit()
    scene.lands(eve, "main", eve.run(document=document("t::one")), bypass(eve, waives=("tests",)))
