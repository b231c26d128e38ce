"""The note of a tree is filled with attestations of something else, before and after the one that counts.

1. An agent delivers 66 runs of another check for the tree of Eve's commit, then the run that counts, then 66
   more. All are folded, and the commit lands: no line of the note is passed over.
2. The same number of runs, and none of them counts: LFCI101.
"""

from lfci_gate.model import ResultDocument
from lfci_gate.value import replace
from tests.attacks.kit import AGENT, Attack, Person, Scene
from tests.support.statements import TWO_TESTS

ATTACK = Attack("H", "a note with many lines", expect=("LFCI101",), gateless=False)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    beside = _beside(eve, 132)
    scene.lands(eve, *beside[:66])
    scene.lands(eve, eve.run())
    scene.lands(eve, *beside[66:])
    scene.lands(eve, "main")
    eve.edit()
    scene.refused(eve, "main", *_beside(eve, 132))


def _beside(eve: Person, count: int) -> list[str]:
    run, result = eve.run_of("HEAD", document=ResultDocument("lint", 0, TWO_TESTS, ()))
    others = (replace(run, check="lint", duration_ms=number) for number in range(count))
    return [eve.statement(each, AGENT, result=result) for each in others]
