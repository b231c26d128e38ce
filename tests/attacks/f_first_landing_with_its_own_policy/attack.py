"""On a forge where nothing has landed, the first push brings a policy of its own.

1. Eve's first push has another policy than the one the forge was given, larger in version or not: LFCI206.
2. It has none: the forge's own stays in force, and asks for evidence: LFCI101.
3. The first push with the forge's policy lands, also where evidence is bound to a base: there is none yet.
"""

from tests.attacks.kit import CONFIG, RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "the first landing brings its own policy", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    given = policy_text(rules=({**RULE, "bind": ["base"]},))
    scene.setup(given, empty=True)
    eve = scene.eve
    files = {".lfci/config.toml": CONFIG, "src/lib.py": b"", "tests/test_lib.py": b"", "flake.nix": b"{ }\n"}
    weak = ({**RULE, "require": []},)
    for policy in (policy_text(rules=weak), policy_text(version=2, rules=weak), given + b"# mine\n"):
        commit = eve.objects.commit(eve.objects.files(files | {".lfci/policy.toml": policy}))
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    commit = eve.objects.commit(eve.objects.files(files))
    scene.refused(eve, f"{commit}:refs/heads/main", code="LFCI101")
    commit = eve.objects.commit(eve.objects.files(files | {".lfci/policy.toml": given}))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
