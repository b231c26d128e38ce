"""Where submodules are allowed, one takes the place of a protected directory: its content is elsewhere.

1. The rule allows submodules.
2. Eve replaces `tests` by a submodule: LFCI206. She moves a protected submodule to another commit: LFCI206.
3. A submodule at an unprotected path lands.
"""

from tests.attacks.git_objects import commit_with
from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a submodule in the place of a protected directory", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "gitlinks": True},)))
    eve = scene.eve
    commit = commit_with(eve, ("160000", b"tests", "1" * 40))
    scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    free = commit_with(eve, ("160000", b"vendored", "1" * 40))
    scene.lands(eve, f"{free}:refs/heads/main", eve.evidence(free))
    protect = [{"paths": ["vendored/"], "roles": ["maintainer"]}]
    scene.forge.set_policy(policy_text(rules=({**RULE, "gitlinks": True, "protect": protect},)))
    moved = commit_with(eve, ("160000", b"vendored", "2" * 40))
    scene.refused(eve, f"{moved}:refs/heads/main", eve.evidence(moved))
