"""Thousands of names that collide where case and Unicode do not count, of links, of special files: each is
compared.

1. Eve pushes 20,000 names of which the last two collide: LFCI401. 20,000 distinct links, of which the last
   leaves: LFCI401.
2. 20,000 names without a collision need evidence, as usual: LFCI101.
"""

from tests.attacks.git_objects import commit_with, in_order, stored
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "twenty thousand names, links", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"x")
    names = [f"caf\u00e9 {number:05}".encode() for number in range(20_000)]
    fine = in_order([("100644", name, blob) for name in names])
    twin = in_order([*fine, ("100644", names[-1].upper(), blob)])
    links = stored(eve, [("blob", b"x%d" % number) for number in range(8000)] + [("blob", b"../../x")])
    led = in_order([("120000", b"%05d" % number, oid) for number, oid in enumerate(links)])
    for entries in (twin, led):
        scene.refused(eve, f"{commit_with(eve, ('40000', b'zz', objects.tree(entries)))}:{MAIN}")
    commit = commit_with(eve, ("40000", b"zz", objects.tree(fine)))
    scene.refused(eve, f"{commit}:{MAIN}", code="LFCI101")
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
