"""A tag with the name of main is there before main is: the first landing would be taken for the tag.

1. Nothing has landed on the forge. Eve pushes tags named main and origin/main: LFCI211.
2. A tag of a branch that no rule covers passes, beside the branch; and the first landing lands.
"""

from tests.attacks.kit import CONFIG, Attack, Scene, policy_text

ATTACK = Attack("F", "a tag named like main, before main", expect=("LFCI211",))


def mount(scene: Scene) -> None:
    given = policy_text()
    scene.setup(given, empty=True)
    eve = scene.eve
    files = {".lfci/config.toml": CONFIG, "src/lib.py": b"", "tests/test_lib.py": b"", "flake.nix": b"{ }\n"}
    commit = eve.objects.commit(eve.objects.files(files | {".lfci/policy.toml": given}))
    for name in ("main", "origin/main"):
        scene.refused(eve, f"{commit}:refs/tags/{name}")
    scene.passes(eve, f"{commit}:refs/heads/topic")
    scene.passes(eve, f"{commit}:refs/tags/topic")
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
