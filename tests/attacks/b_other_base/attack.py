"""Evidence that was made on another base, where the policy binds it: the branch has moved since.

1. `bind = ["base"]`: a run of a session on an older tip, on the pushed commit itself, without a session:
   LFCI112.
2. A run of a session on the tip of main lands; and cannot be used again when main has moved on and back
   in its tree.
"""

from lfci_gate.model import ObjectId
from lfci_gate.value import replace
from tests.attacks.kit import RULE, Attack, Scene, policy_text
from tests.support.evidence import CHECK_RUN

ATTACK = Attack("B", "evidence bound to another base", expect=("LFCI112",), quick=True)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "bind": ["base"]},)))
    eve = scene.eve
    assert CHECK_RUN.session is not None
    base = eve.tip
    eve.edit()

    def on(commit: str | None) -> str:
        session = replace(CHECK_RUN.session, base_commit=commit and ObjectId(commit))
        return eve.run(session=session)

    for commit in scene.some((None, eve.rev("HEAD"), "1" * 40), 3):
        scene.refused(eve, "main", on(commit))
    scene.refused(eve, "main", eve.run(session=None))
    good = on(base)
    scene.lands(eve, "main", good)
    first = eve.rev("HEAD")
    eve.edit()
    scene.lands(eve, "main", on(first))
    # the tree of the first change again: its evidence is in the notes, and was for another base
    again = eve.repo.line("commit-tree", f"{first}^{{tree}}", "-p", "HEAD", "-m", "back again")
    scene.refused(eve, f"{again}:refs/heads/main")
