"""Work that is allowed and cannot be done in time: the budget ends it.

1. The operator's budget is half a second. Eve pushes a run with a result document of 80,000 tests.
2. LFCI503 at the budget, no process is left, nothing of it stays.
3. With the time it takes, it lands.
"""

from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("H", "more work than the budget allows", expect=("LFCI503",), gateless=False)


def mount(scene: Scene) -> None:
    scene.forge.repo.git("config", "lfci.timeBudget", "0.5")
    eve = scene.eve
    eve.edit()
    tests = tuple(TestCase(f"t::{number:030}", "passed") for number in range(80_000))
    run = eve.evidence("HEAD", document=ResultDocument("test", 0, tests, ()))
    scene.refused(eve, "main", run)
    scene.forge.repo.git("config", "lfci.timeBudget", "30")
    scene.lands(eve, "main", run)
