"""Who attested a commit on the way pushes a tip that somebody else attested.

1. Every new commit needs evidence, and the pusher must be one of those who attest. The forge's software
   names the pusher (here: its hook is started with REMOTE_USER set).
2. The agent attests the first commit, the second agent the tip. The agent pushes both: LFCI217, and so it is
   for somebody unknown, and for a holder who attested nothing.
3. The second agent's push lands. So does one that proposes such a rule, on a forge that names its pushers.
"""

import shlex

from tests.attacks.kit import RULE, SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("F", "the pusher attested another commit", expect=("LFCI217",), gateless=False)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "pusher": "attester", "scope": "each"},)))
    scene.forge.repo.git("config", "lfci.pusherVariable", "REMOTE_USER")
    eve = scene.eve
    first, last = eve.edit(), eve.edit()
    specs = (eve.evidence(first), eve.run(last, SECOND_AGENT))
    for name in ("agent", "nobody", "maintainer", "second-agent "):
        pushed_by(scene, name)
        scene.refused(eve, "main", *specs)
    pushed_by(scene, "second-agent")
    scene.lands(eve, "main", *specs)
    base = eve.tip
    eve.edit({".lfci/policy.toml": policy_text(version=2, rules=({**RULE, "pusher": "attester"},))})
    scene.lands(eve, "main", eve.run("HEAD", SECOND_AGENT), *eve.approvals("HEAD", base))


def pushed_by(scene: Scene, name: str) -> None:
    scene.hook("pre-receive", f'REMOTE_USER={shlex.quote(name)} exec "$HOOK"')
