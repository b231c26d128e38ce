"""The forge's evidence is deleted or overwritten: attestations, results, the record of landings.

1. Eve deletes, forces and overwrites refs/notes/lfci, refs/notes/lfci-landed and refs/lfci/results.
2. LFCI209 for each, and the refs are what they were.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "the forge's evidence refs deleted or forced", expect=("LFCI209",), quick=True)
REFS = ("refs/notes/lfci", "refs/notes/lfci-landed", "refs/lfci/results")


def mount(scene: Scene) -> None:
    eve = scene.eve
    scene.holds(set(REFS) <= set(scene.forge.refs()), "the first landing left evidence")
    for ref in REFS:
        scene.refused(eve, f"+HEAD:{ref}")
        scene.refused(eve, f":{ref}")
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD"), ":refs/notes/lfci")
    scene.lands(eve, "main", eve.evidence("HEAD"))
