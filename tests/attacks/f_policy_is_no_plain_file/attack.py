"""The policy file becomes executable, a link, a directory: what one reader takes and another does not.

1. Eve gives `.lfci/policy.toml` the mode 100755, makes it a link to a file of hers, then a directory.
2. LFCI401 for each.
"""

from tests.attacks.git_objects import commit_with, items
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("F", "the policy is no plain file", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    config = next(each for each in items(eve, "HEAD:.lfci") if each[1] == b"config.toml")
    lax = objects.blob(policy_text(version=2, rules=()))
    link = objects.blob(b"../weak.toml")
    folder = objects.tree([("100644", b"policy.toml", lax)])
    for mode, oid in (("100755", lax), ("120000", link), ("40000", folder)):
        lfci = objects.tree([config, (mode, b"policy.toml", oid)])
        commit = commit_with(eve, ("40000", b".lfci", lfci), ("100644", b"weak.toml", lax))
        code = ("LFCI401",) if mode != "40000" else ("LFCI101", "LFCI206", "LFCI401")
        scene.refused(eve, f"{commit}:refs/heads/main", code=code)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
