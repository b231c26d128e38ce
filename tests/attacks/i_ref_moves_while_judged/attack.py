"""Main moves between the gate's verdict and git's own update: by the operator, or by a push that was faster.

1. The hook judges, and then main moves to an attested sibling: git's compare-and-swap refuses. Main is at
   the sibling, and the record does not say that the other one landed.
"""

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import recorded, two_hours_later

ATTACK = Attack("I", "main moves after the verdict", gateless=False, quick=True)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    base = eve.tip
    sibling = eve.edit()
    scene.passes(eve, f"{sibling}:refs/heads/sibling")
    eve.start(base)
    commit = eve.edit()
    spec = eve.run()
    move = f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {sibling}"
    scene.hook("pre-receive", f'"$HOOK" || exit 1\n{move}')
    pushed = eve.push("-q", "origin", "main", spec)
    scene.own_hook("pre-receive")
    scene.holds(pushed.status != 0, pushed.output)
    scene.gone(forge.refs()["refs/heads/main"] == sibling, "main was taken from its sibling")
    scene.target.settle(forge.path)
    scene.holds(commit not in recorded(forge), "a landing is recorded that was none")
    two_hours_later(forge)
    scene.holds(commit not in recorded(forge), "a landing is recorded that was none")
    eve.start()
    eve.edit()
    scene.lands(eve, "main", eve.run())
