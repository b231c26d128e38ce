"""A tag that git takes for the protected branch, on the forge and in clones.

1. Eve pushes tags named main and origin/main to a commit of hers: `git merge main` and, in every clone that
   fetches tags, `git merge origin/main` would take them first.
2. LFCI211 for each. So it is for a tag with the name of a protected release branch that has landed.
3. A tag of another name passes, and so does one with the name of a release that does not exist: there is
   nothing to be taken for.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a tag that is taken for the branch", expect=("LFCI211",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    eve.repo.git("tag", "-a", "-m", "not main", "annotated")
    for name in ("main", "origin/main", "upstream/main"):
        scene.refused(eve, f"HEAD:refs/tags/{name}")
        scene.refused(eve, f"annotated:refs/tags/{name}")
    run = eve.evidence("HEAD")
    scene.lands(eve, "main", run)
    scene.lands(eve, "HEAD:refs/heads/release/1", eve.evidence("HEAD"))
    scene.refused(eve, "HEAD:refs/tags/release/1")
    scene.passes(eve, "HEAD:refs/tags/release/2")
    scene.passes(eve, "HEAD:refs/tags/maintenance")
