"""An approval of fewer paths, of more, or of the same in another order is used for what the policy protects.

1. Approvals of `tests/` alone, of `**`, of no path, of the paths reversed: LFCI215 or LFCI206 (nothing is
   approved).
2. Of the policy's paths it lands.
"""

from lfci_gate.value import replace
from tests.attacks.kit import MAINTAINER, Attack, Scene

ATTACK = Attack("B", "an approval of other paths", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit(
        {
            "tests/test_lib.py": b"def test_answer():\n    pass\n",
            "flake.nix": b"{ outputs = _: { x = 1; }; }\n",
        }
    )
    run = eve.run()
    [approval] = eve.approval_of("HEAD", base)
    for paths in scene.some((("tests/",), ("**",), approval.paths[::-1], (*approval.paths, "src/"))):
        other = replace(approval, paths=paths)
        scene.refused(eve, "main", run, eve.statement(other, MAINTAINER))
    scene.lands(eve, "main", run, eve.statement(approval, MAINTAINER))
