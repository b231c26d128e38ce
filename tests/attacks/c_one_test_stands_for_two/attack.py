"""Files of tests are moved so that one test of the new tree could be taken for two of the base.

1. Two files with the same bytes become one, whose test runs once: LFCI213. A file is moved onto the name of
   a test that ran before: LFCI213. A file is moved and its test is not run any more, only named as skipped:
   LFCI213. A link to another test file takes the place of one: LFCI213.
2. A skipped test of the base that is gone is no loss; two files that are moved with both tests land.
"""

from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.compared import document, rule
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("C", "one test for two of the base", expect=("LFCI213",))
BODY = b"def test_answer():\n    assert True\n"
A, B, C = (f"tests/test_{name}.py" for name in "abc")


def of(path: str) -> str:
    return f"{path}::test_answer"


def mount(scene: Scene) -> None:
    scene.setup(
        server_policy=policy_text(rules=(rule(tests={"removed": "allow"}),)),
        files={A: BODY, B: BODY, C: b"# c\n" + BODY},
    )
    eve = scene.eve
    eve.edit()
    base_document = document(of(A), of(B), of(C), skipped=("t::never",))
    scene.lands(eve, "main", eve.evidence("HEAD", document=base_document))
    scene.forge.set_policy(policy_text(rules=(rule(),)))
    base = eve.tip
    one = "tests/test_one.py"
    for files, ids, skipped in (
        ({A: None, B: None, one: BODY}, (of(one), of(C)), ()),
        ({A: None, C: BODY}, (of(B), of(C)), ()),
        ({A: None, one: BODY}, (of(B), of(C)), (of(one),)),
    ):
        eve.start(base)
        eve.edit(files)
        scene.refused(eve, "main", eve.evidence("HEAD", document=document(*ids, skipped=skipped)))
    eve.start(base)
    eve.edit({A: None, one: b""})
    (eve.path / one).unlink()
    (eve.path / one).symlink_to("test_b.py")
    eve.repo.commit()
    scene.refused(eve, "main", eve.evidence("HEAD", document=document(of(one), of(B), of(C))))
    eve.start(base)
    eve.edit({A: None, B: None, "tests/x/test_a.py": BODY, "tests/x/test_b.py": BODY})
    cases = tuple(TestCase(of(path), "passed") for path in (C, "tests/x/test_a.py", "tests/x/test_b.py"))
    scene.lands(eve, "main", eve.evidence("HEAD", document=ResultDocument("test", 0, cases, ())))
