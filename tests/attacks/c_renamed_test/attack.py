"""A test is renamed, or its file is moved to where it is not run: what it tested is gone, and the count is
the same.

1. Eve renames a test function: LFCI213, a test of another name is a new one.
2. She moves the file unchanged, and the report has the test of another file: LFCI213. Two files become one:
   LFCI213.
3. A file that is moved unchanged, and whose test is run there, lands.
"""

from tests.attacks.compared import document, rule
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("C", "a test renamed to hide it", expect=("LFCI213",))
ONE, TWO = "tests/test_lib.py::test_answer", "tests/test_two.py::test_answer"


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(rule(tests={"removed": "allow"}),)))
    eve = scene.eve
    same = (eve.path / TEST_FILE).read_bytes()
    eve.edit({"tests/test_two.py": same})
    scene.lands(eve, "main", eve.evidence("HEAD", document=document(ONE, TWO)))
    scene.forge.set_policy(policy_text(rules=(rule(),)))
    base = eve.tip
    eve.edit({TEST_FILE: same.replace(b"answer", b"nothing")})
    renamed = document("tests/test_lib.py::test_nothing", TWO)
    scene.refused(eve, "main", eve.evidence("HEAD", document=renamed))
    eve.start(base)
    eve.edit({TEST_FILE: None, "attic/test_lib.py": same})
    elsewhere = document("tests/test_new.py::test_answer", TWO)
    scene.refused(eve, "main", eve.evidence("HEAD", document=elsewhere))
    eve.start(base)
    eve.edit({TEST_FILE: None, "tests/test_two.py": None, "tests/test_both.py": same})
    both = document("tests/test_both.py::test_answer", "tests/test_more.py::test_answer")
    scene.refused(eve, "main", eve.evidence("HEAD", document=both))
    eve.start(base)
    eve.edit({TEST_FILE: None, "tests/unit/test_lib.py": same})
    moved = document("tests/unit/test_lib.py::test_answer", TWO)
    scene.lands(eve, "main", eve.evidence("HEAD", document=moved))
