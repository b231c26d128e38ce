"""A symbolic ref on the forge leads to main, by itself or by way of another one.

1. The operator once made refs/heads/alias for main, and refs/heads/alias2 for that.
2. Eve pushes an unattested commit to each: LFCI101. She deletes an alias: LFCI207. She moves main and the
   alias in one push, and both by the alias's name: LFCI212.
3. With evidence the push through an alias lands, as main.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "a symbolic ref that leads to main", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    forge = scene.forge.repo
    forge.git("symbolic-ref", "refs/heads/alias", MAIN)
    forge.git("symbolic-ref", "refs/heads/alias2", "refs/heads/alias")
    eve = scene.eve
    commit = eve.edit()
    for name in ("alias", "alias2"):
        scene.refused(eve, f"{commit}:refs/heads/{name}")
    scene.refused(eve, ":refs/heads/alias", code="LFCI207")
    run = eve.evidence(commit)
    both = (f"{commit}:{MAIN}", f"{commit}:refs/heads/alias")
    scene.refused(eve, *both, run, code="LFCI212")
    scene.refused(eve, f"{commit}:refs/heads/alias", f"{commit}:refs/heads/alias2", run, code="LFCI212")
    scene.lands(eve, f"{commit}:refs/heads/alias", run)
    scene.holds(scene.forge.refs()[MAIN] == commit, "main has moved")
