"""A ref above or below a protected one: git holds no two such refs, so the protected one can never land.

1. Eve pushes refs/heads/main/x, refs/heads/release, refs/heads/release/1/x.
2. LFCI211 for each; then release/1 can still land.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a ref that keeps a protected one from existing", expect=("LFCI211",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for name in ("main/x", "release", "release/1/x", "release/1/x/y"):
        scene.refused(eve, f"HEAD:refs/heads/{name}")
    scene.lands(eve, "HEAD:refs/heads/main", "HEAD:refs/heads/release/1", eve.evidence("HEAD"))
