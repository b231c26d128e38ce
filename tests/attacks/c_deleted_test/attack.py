"""A test is deleted that nobody protects, by an honest run of what is left.

1. The rule takes no change in which tests vanish; the protected paths leave `tests/` out.
2. Eve deletes a test, and then its file with all that is in it: LFCI213 for each.
3. A change that adds a test lands.
"""

from tests.attacks.compared import document, rule
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("C", "a test deleted", expect=("LFCI213",), quick=True)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(rule(),)))
    eve = scene.eve
    eve.edit({TEST_FILE: b"def one():\n    pass\n"})
    scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::one")))
    eve.edit({TEST_FILE: None, "tests/test_other.py": b"def three():\n    pass\n"})
    scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::three")))
    scene.lands(eve, "main", eve.evidence("HEAD", document=document("t::one", "t::two", "t::three")))
