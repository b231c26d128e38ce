"""Patterns that make a backtracking matcher try for ever, in config.toml, in a proposed policy, and paths
made for them.

1. Eve's config has 200 patterns of a thousand stars against a deep path of `a`: the check sees what they
   match.
2. LFCI206 and LFCI101, in the usual time.
3. Her proposed policy has such patterns for refs and paths: LFCI206.
"""

from tests.attacks.git_objects import commit_with, items
from tests.attacks.kit import CONFIG, MAIN, RULE, Attack, Scene, policy_text

ATTACK = Attack("H", "patterns that try again and again", expect=("LFCI101", "LFCI206"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    star = "*a" * 400 + "b"
    deep = "/".join(["**", "*a*a*a*a*b"] * 60)
    config = CONFIG + b'inputs = ["%b"]\n' % b'", "'.join([star.encode(), deep.encode()] * 60)
    tree = objects.tree([("100644", b"a" * 250, objects.blob(b"x"))])
    for _ in range(14):
        tree = objects.tree([("40000", b"a" * 250, tree)])
    policy = next(oid for _mode, name, oid in items(eve, "HEAD:.lfci") if name == b"policy.toml")
    lfci = [("100644", b"config.toml", objects.blob(config)), ("100644", b"policy.toml", policy)]
    commit = commit_with(eve, ("40000", b".lfci", objects.tree(lfci)), ("40000", b"zz", tree))
    scene.refused(eve, f"{commit}:{MAIN}")
    trap = {
        **RULE,
        "refs": ["refs/heads/" + "*a" * 400],
        "protect": [{"paths": [star, deep], "roles": ["maintainer"]}],
    }
    eve.edit({".lfci/policy.toml": policy_text(version=2, rules=(RULE, trap))})
    scene.refused(eve, "main", eve.evidence("HEAD"), code="LFCI206")
    eve.start()
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
