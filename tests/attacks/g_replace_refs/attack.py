"""The tree behind an attested commit is exchanged by a replace ref, pushed first, or in the same push.

1. Eve pushes refs/replace/<commit> to another commit, alone, with the commit, in another case: LFCI211.
2. A replace ref that is on the forge already (it was there before the gate) is not followed: the commit is
   judged by its own tree, LFCI101, and not by the replacement, which has evidence.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "replace refs", expect=("LFCI211",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    good = eve.edit()
    eve.start()
    evil = eve.edit()
    run = eve.evidence(good)
    for name in (f"refs/replace/{evil}", f"refs/Replace/{evil}", "refs/replace/x"):
        scene.refused(eve, f"{good}:{name}")
        scene.refused(eve, f"{good}:{name}", f"{evil}:{MAIN}", run, code=("LFCI104", "LFCI211"))
    scene.passes(eve, run, f"{good}:refs/heads/good", f"{evil}:refs/heads/evil")
    scene.forge.repo.git("update-ref", f"refs/replace/{evil}", good)
    scene.refused(eve, f"{evil}:{MAIN}", code="LFCI101")
    scene.forge.repo.git("update-ref", "-d", f"refs/replace/{evil}")
    scene.lands(eve, f"{good}:{MAIN}")
