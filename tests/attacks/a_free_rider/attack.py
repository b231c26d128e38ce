"""A change without evidence rides beside good ones in one push.

1. main with evidence, and release/1 at an unchecked commit: LFCI104, and nothing of the push lands, the
   evidence neither.
2. An unprotected branch and an inbox ref beside an unchecked main: LFCI101, the same.
3. main alone lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("A", "an unchecked ref beside a checked one", expect=("LFCI104",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    good = eve.edit()
    run = eve.evidence(good)
    bad = eve.edit()
    scene.refused(eve, f"{good}:refs/heads/main", run, f"{bad}:refs/heads/release/1")
    scene.refused(eve, f"{bad}:refs/heads/release/1", run, f"{good}:refs/heads/main")
    scene.refused(eve, f"{good}:refs/heads/topic", f"{bad}:refs/heads/main", code="LFCI101")
    scene.lands(eve, f"{good}:refs/heads/main", run)
