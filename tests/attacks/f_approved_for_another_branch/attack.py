"""Weakened tests were approved for one branch, and shall be the base of another.

1. A change of the tests is approved for release/1 and lands there. Main takes it in the middle of a push
   whose tip has the tests as before, so main's own protected part has not changed.
2. Eve makes release/2 from the commit in the middle: LFCI215. It was main's only in passing, and what it was
   approved for is another branch.
3. Approved for release/2 it lands.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "approved for another branch", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    before = (eve.path / TEST_FILE).read_bytes()
    weak = eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    one, two = "refs/heads/release/1", "refs/heads/release/2"
    scene.lands(eve, f"{weak}:{one}", eve.evidence(weak), *eve.approvals(weak, base, ref=one))
    tip = eve.edit({TEST_FILE: before})
    scene.lands(eve, "main", eve.evidence(tip))
    scene.refused(eve, f"{weak}:{two}")
    scene.lands(eve, f"{weak}:{two}", *eve.approvals(weak, tip, ref=two))
