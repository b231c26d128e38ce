"""One push moves one ref twice: the hook is told two values, git takes one of them.

1. Eve sends by hand two updates of main, of a topic branch; a deletion and a creation of one ref; main and
   its alias.
2. LFCI212 for each.
3. One update lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "one ref twice in a push", expect=("LFCI212",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    good = eve.edit()
    run = eve.evidence(good)
    scene.passes(eve, run)
    eve.start(base)
    evil = eve.edit()
    pack = scene.pack_for(eve, good, evil, have=[base])
    zero, topic = scene.zero, "refs/heads/topic"
    scene.refused_raw(eve, [(base, good, MAIN), (base, evil, MAIN)], pack, code=("LFCI212",))
    scene.refused_raw(eve, [(base, evil, MAIN), (base, good, MAIN)], pack, code=("LFCI101", "LFCI212"))
    scene.refused_raw(eve, [(zero, good, topic), (zero, evil, topic)], pack)
    scene.refused_raw(eve, [(base, zero, MAIN), (zero, good, MAIN)], pack, code=("LFCI207", "LFCI212"))
    scene.lands(eve, f"{good}:{MAIN}")
