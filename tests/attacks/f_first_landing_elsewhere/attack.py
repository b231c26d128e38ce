"""On a forge where nothing has landed, the first push goes to another protected branch, which has no base.

1. Eve's first push is to release/1: LFCI206, nothing has landed on main yet.
2. Also together with main: what lands in the same push is no base.
3. main, and then release/1, land.
"""

from tests.attacks.kit import CONFIG, Attack, Scene, policy_text

ATTACK = Attack("F", "the first landing is on another branch", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    scene.setup(policy_text(), empty=True)
    eve = scene.eve
    files = {".lfci/config.toml": CONFIG, ".lfci/policy.toml": policy_text(), "src/lib.py": b"1\n"}
    commit = eve.objects.commit(eve.objects.files(files))
    run = eve.evidence(commit)
    scene.refused(eve, f"{commit}:refs/heads/release/1", run)
    scene.refused(eve, f"{commit}:refs/heads/main", f"{commit}:refs/heads/release/1", run)
    scene.lands(eve, f"{commit}:refs/heads/main", run)
    scene.lands(eve, f"{commit}:refs/heads/release/1")
