"""An agent approves a change of protected paths, and calls itself the maintainer.

1. The approval signed by the agent's key, with `reviewer = "maintainer"`: LFCI215. By a stranger:
   LFCI206.
2. The maintainer's approval lands.
"""

from tests.attacks.kit import AGENT, STRANGER, Attack, Scene

ATTACK = Attack("A", "an approval without the role", expect=("LFCI215",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    run = eve.evidence("HEAD")
    scene.refused(eve, "main", run, *eve.approvals("HEAD", base, AGENT))
    scene.refused(eve, "main", run, *eve.approvals("HEAD", base, STRANGER), code="LFCI206")
    scene.lands(eve, "main", run, *eve.approvals("HEAD", base))
