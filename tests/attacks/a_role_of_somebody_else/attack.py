"""A key attests in a role that it does not have.

1. The maintainer's key signs a run where the rule wants an agent's: LFCI109.
2. It says that its attester is `agent`, an agent, a runner: still LFCI109. Roles are the policy's to
   give.
3. The agent's key lands it, whatever it calls itself.
"""

from tests.attacks.kit import MAINTAINER, Attack, Scene

ATTACK = Attack("A", "a role that the key does not have", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(signer=MAINTAINER))
    for kind in scene.some(("agent", "runner", "human")):
        run = eve.run(signer=MAINTAINER, attester="agent", attester_kind=kind)
        scene.refused(eve, "main", run)
    scene.lands(eve, "main", eve.run(attester="maintainer", attester_kind="human"))
