"""The base has no result, since it landed by break-glass; tests vanish in the change after it.

1. The rule takes no change in which tests vanish. Two maintainers land an unchecked change, and one more.
2. Eve's next change has a test less: LFCI213, compared with the last commit that has a result. So it is when
   she joins the base with history from before.
3. With all tests it lands.
4. A break-glass takes the check's declaration away, and later the whole file. When it is there again,
   without a test: LFCI213, compared with what was before.
5. Two maintainers may let that test vanish, though nothing else is wrong.
"""

from tests.attacks.compared import document
from tests.attacks.glass import bypass, with_glass
from tests.attacks.kit import CONFIG, Attack, Scene

ATTACK = Attack("C", "tests vanish after a break-glass", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=with_glass(tests={"removed": "refuse"}, protect=[]))
    eve = scene.eve
    for _ in range(2):
        eve.edit()
        scene.lands(eve, "main", bypass(eve))
    base = eve.tip
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::one")))
    joined = eve.objects.commit(eve.tree("HEAD"), base, f"{eve.rev('HEAD~3')}")
    less = eve.evidence(joined, document=document("t::one"))
    scene.refused(eve, f"{joined}:refs/heads/main", less)
    scene.lands(eve, "main", eve.evidence("HEAD"))
    for config in (CONFIG.replace(b"checks.test", b"checks.other"), None):
        eve.edit({".lfci/config.toml": config})
        scene.lands(eve, "main", bypass(eve))
        eve.edit({".lfci/config.toml": CONFIG})
        scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::one")))
        scene.lands(eve, "main", eve.evidence("HEAD"))
    eve.edit()
    less = eve.evidence("HEAD", document=document("t::one"))
    scene.lands(eve, "main", less, bypass(eve, waives=("tests",)))
