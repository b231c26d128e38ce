"""Refs that the operator hides, and refs that only git's own machinery writes.

1. The operator hides refs/heads/secret/: Eve cannot push there, git says.
2. She pushes an unattested commit to a visible branch and main together: LFCI101, nothing moves.
3. uploadpack.hideRefs does not keep evidence from arriving.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "hidden refs", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    forge = scene.forge.repo
    forge.git("config", "--add", "receive.hideRefs", "refs/heads/secret")
    forge.git("config", "--add", "uploadpack.hideRefs", "refs/lfci")
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "HEAD:refs/heads/secret/x", code="git")
    scene.refused(eve, "HEAD:refs/heads/secret/x", "main", code="LFCI101")
    scene.refused(eve, "HEAD:refs/heads/topic", "main")
    scene.lands(eve, "main", eve.evidence("HEAD"))
