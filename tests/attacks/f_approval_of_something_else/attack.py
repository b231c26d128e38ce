"""Approvals that are genuine, and of something else: other paths, another base, another ref, another
content.

1. A maintainer approved: only `tests/`; a change from an earlier base; the change for a release branch; the
   commit before this one; the same in another repository.
2. LFCI215, or LFCI206 where nothing at all is about this content.
3. The right approval lands.
"""

from typing import Any

from lfci_gate.value import replace
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import MAINTAINER, Attack, Scene

ATTACK = Attack("F", "approvals of something else", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    assert 1\n"})
    earlier = eve.approvals("HEAD", base)
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    run = eve.evidence("HEAD")
    scene.refused(eve, "main", run, *earlier, code="LFCI206")
    [right] = eve.approval_of("HEAD", base)
    changes: tuple[dict[str, Any], ...] = (
        {"paths": ("tests/",)},
        {"from_tree": eve.tree("HEAD")},
        {"ref": "refs/heads/release/1"},
        {"repository": "00000000-0000-4000-8000-000000000001"},
    )
    for change in changes:
        scene.refused(eve, "main", run, eve.statement(replace(right, **change), MAINTAINER))
    scene.lands(eve, "main", run, eve.statement(right, MAINTAINER))
