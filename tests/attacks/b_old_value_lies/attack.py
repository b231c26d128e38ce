"""A push by hand says that main is where it is not, so that a rewind looks like a fast-forward or a
creation.

1. `old` is the zero id although main exists; an older commit; the pushed commit; a commit that is
   nowhere: the gate refuses (LFCI507) or git does, and main stays.
2. With the true value it lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("B", "the push lies about the old value", expect=("LFCI507",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit()
    scene.lands(eve, "main", eve.run())
    landed = eve.rev("HEAD")
    commit = eve.edit()
    scene.passes(eve, eve.run())
    pack = scene.pack_for(eve, commit, have=[landed])
    for old in (scene.zero, base, commit, "1" * 40):
        scene.refused_raw(eve, [(old, commit, MAIN)], pack)
    scene.lands(eve, "main")
