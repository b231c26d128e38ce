"""Evidence of a check that saw less: its inputs were narrowed for the run, and the landed declaration sees
all.

1. A run whose inputs were `src/**`, delivered for a tree whose check sees everything: LFCI104. The same
   with the wide definition's digest: LFCI104. With the wide tree's id and the narrow definition: LFCI106.
2. A run of what the tree declares lands.
"""

from lfci_gate.config.project import parse_project
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.patterns import PatternSet
from tests.attacks.kit import CONFIG, Attack, Scene

ATTACK = Attack("B", "evidence of narrowed inputs", expect=("LFCI104",), quick=True)
NARROW = CONFIG + b'inputs = ["src/**"]\n'


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit({"tests/extra_data.txt": b"x", "lib/other.py": b"y"})
    definition = parse_project(NARROW).check("test")
    assert definition is not None
    with BatchReader(eve.repo.tool) as source:
        narrow = inputs_tree(source, eve.tree("HEAD"), PatternSet(definition.inputs)).oid
    approvals = eve.approvals("HEAD", eve.tip)
    scene.refused(eve, "main", eve.run(inputs_tree=narrow, definition=definition.digest), *approvals)
    scene.refused(eve, "main", eve.run(inputs_tree=narrow), *approvals)
    wrong = eve.run(definition=definition.digest)
    scene.refused(eve, "main", wrong, *approvals, code="LFCI106")
    scene.lands(eve, "main", eve.run(), *approvals)
