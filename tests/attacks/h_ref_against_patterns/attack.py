"""The policy in force protects branches by patterns with many stars; Eve pushes names made for them.

1. Names of a thousand letters that nearly match, with slashes, in Unicode that folds to more than it is.
2. They have no rule and pass, or look like one that has and are LFCI211, in the usual time.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("H", "ref names against patterns with many stars", expect=("LFCI211",))


def mount(scene: Scene) -> None:
    patterns = ["refs/heads/" + "*a" * 100 + "b", "refs/heads/" + "/".join(["x*y*z"] * 40)]
    scene.setup(server_policy=policy_text(rules=(RULE, {**RULE, "refs": patterns})))
    eve = scene.eve
    for name in ("/".join(["a" * 200] * 4), "/".join(["xyzy"] * 160), "/".join(["\ufdfa" * 60] * 5)):
        scene.passes(eve, f"HEAD:refs/heads/{name}")
    for name in ("ma\u200b" + "\u0301\u0323" * 100 + "in", "M" + "\u00ad" * 120 + "AIN"):
        scene.refused(eve, f"HEAD:refs/heads/{name}")
