"""A protected branch is deleted, so that it can be made again without a fast-forward and without a base.

1. Eve deletes main and a release branch, by themselves, in one push with their new value, and all refs by
   `git push --mirror` and `--prune`.
2. LFCI207, with LFCI209 where evidence refs would go too.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a protected branch deleted", expect=("LFCI207",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.lands(eve, "HEAD:refs/heads/main", "HEAD:refs/heads/release/1", eve.evidence("HEAD"))
    for name in ("main", "release/1"):
        scene.refused(eve, f":refs/heads/{name}")
    scene.refused(eve, "--prune", "refs/heads/topic*:refs/heads/release/*")
    eve.repo.git("branch", "-q", "-m", "main", "mine")
    for ref in eve.repo.git("for-each-ref", "--format=%(refname)", "refs/remotes").decode().split():
        eve.repo.git("update-ref", "-d", ref)
    scene.refused(eve, "--mirror", code=("LFCI207", "LFCI209"))
