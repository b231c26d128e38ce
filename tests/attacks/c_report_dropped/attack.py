"""The check has no report any more: no tests are counted, so none is missing.

1. The rule takes runs without a report, and no change in which tests vanish.
2. Eve drops the report from the check's declaration, and pushes an honest run without tests: LFCI213.
3. With the report it lands.
"""

from lfci_gate.model import ResultDocument
from tests.attacks.compared import rule
from tests.attacks.kit import CONFIG, Attack, Scene, policy_text

ATTACK = Attack("C", "the report dropped", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    require = [{"check": "test", "roles": ["agent"], "report": "optional"}]
    scene.setup(server_policy=policy_text(rules=(rule(require=require),)))
    eve = scene.eve
    base = eve.tip
    eve.edit({".lfci/config.toml": CONFIG.partition(b"report")[0]})
    nothing = ResultDocument("test", 0, (), ())
    scene.refused(eve, "main", eve.evidence("HEAD", document=nothing, tests=None))
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
