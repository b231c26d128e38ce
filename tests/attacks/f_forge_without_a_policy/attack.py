"""The policy that the forge was given is lost before anything has landed: nothing says what may land.

1. The operator's file is gone from the forge. Eve's first push, with a policy of her own or without, to main
   or to any other branch: LFCI201.
2. With the operator's own policy in its place the push lands.
"""

from tests.attacks.kit import CONFIG, Attack, Scene, policy_text

ATTACK = Attack("F", "a forge whose policy is lost", expect=("LFCI201",))


def mount(scene: Scene) -> None:
    given = policy_text()
    scene.setup(given, empty=True)
    eve = scene.eve
    lost = scene.forge.path / "lfci/bootstrap-policy.toml"
    lost.unlink(missing_ok=True)
    files = {".lfci/config.toml": CONFIG, "src/lib.py": b"", "tests/test_lib.py": b"", "flake.nix": b"{ }\n"}
    bare = eve.objects.commit(eve.objects.files(files))
    own = eve.objects.commit(eve.objects.files(files | {".lfci/policy.toml": given}))
    for commit in (bare, own):
        for branch in ("main", "topic"):
            scene.refused(eve, f"{commit}:refs/heads/{branch}", eve.evidence(commit))
    scene.forge.set_policy(given)
    scene.lands(eve, f"{own}:refs/heads/main", eve.evidence(own))
