"""On a forge whose first landing needs approvals, the first push has none.

1. The forge's policy says `bootstrap = "approval"`. Eve's first push is attested and not approved:
   LFCI206. With an approval of something else it is LFCI206 too: nobody has approved this.
2. Approved it lands, without a policy in its tree: the forge's stays in force.
3. The next change brings a first policy of the tree, of the same version: LFCI204. A newer one lands.
"""

from tests.attacks.kit import CONFIG, Attack, Scene, policy_text

ATTACK = Attack("F", "a first landing that nobody approved", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    given = policy_text(bootstrap="approval")
    scene.setup(given, empty=True)
    eve = scene.eve
    objects = eve.objects
    files = {".lfci/config.toml": CONFIG, "src/lib.py": b"", "tests/test_lib.py": b"", "flake.nix": b"{ }\n"}
    first = objects.commit(objects.files(files))
    other = objects.commit(objects.files(files | {"flake.nix": b"{ x = 1; }\n"}))
    scene.refused(eve, f"{first}:refs/heads/main", eve.evidence(first))
    wrong = eve.approvals(other, None, policy=given)
    scene.refused(eve, f"{first}:refs/heads/main", eve.evidence(first), *wrong)
    right = eve.approvals(first, None, policy=given)
    scene.lands(eve, f"{first}:refs/heads/main", eve.evidence(first), *right)
    for version in (1, 2):
        proposed = policy_text(version=version)
        commit = objects.commit(objects.files(files | {".lfci/policy.toml": proposed}), first)
        specs = (eve.evidence(commit), *eve.approvals(commit, first, policy=given))
        if version == 1:
            scene.refused(eve, f"{commit}:refs/heads/main", *specs, code="LFCI204")
        else:
            scene.lands(eve, f"{commit}:refs/heads/main", *specs)
