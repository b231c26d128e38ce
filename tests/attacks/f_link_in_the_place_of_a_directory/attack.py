"""A protected directory becomes a link to one that nobody protects, with the same names in it.

1. Eve replaces `tests` by a link to `other`, which has the same files: no protected path is changed, they
   are all gone and still found. LFCI206.
2. Also where the protected directory did not exist before (`.cargo/`), and for a file (`flake.nix`:
   LFCI401).
"""

from tests.attacks.git_objects import commit_with, items
from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a link in the place of a protected directory", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    protect = [{"paths": ["tests/", ".cargo/", "flake.nix"], "roles": ["maintainer"]}]
    scene.setup(server_policy=policy_text(rules=({**RULE, "protect": protect},)))
    eve = scene.eve
    tests = next(oid for _mode, name, oid in items(eve) if name == b"tests")
    other = ("40000", b"other", tests)
    link = eve.objects.blob(b"other")
    for name in (b"tests", b".cargo"):
        commit = commit_with(eve, other, ("120000", name, link))
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    commit = commit_with(eve, other, ("120000", b"flake.nix", eve.objects.blob(b"other/flake.nix")))
    scene.refused(eve, f"{commit}:refs/heads/main", code="LFCI401")
    commit = commit_with(eve, other, ("120000", b"elsewhere", link))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
