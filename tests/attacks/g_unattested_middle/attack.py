"""Between two attested commits is one that nobody has checked, where every commit must be.

1. The rule wants evidence for each new commit.
2. Eve pushes three commits with evidence of the first and the last: LFCI104.
3. The same when the middle one comes by a merge with the parents swapped, so that main's line is the
   second.
4. With evidence of all it lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("G", "an unattested commit in the middle", expect=("LFCI104",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "scope": "each"},)))
    eve = scene.eve
    base = eve.tip
    first, middle, last = eve.edit(), eve.edit(), eve.edit()
    scene.refused(eve, "main", eve.evidence(first), eve.evidence(last))
    foxtrot = eve.objects.commit(eve.tree(last), last, base)
    scene.refused(eve, f"{foxtrot}:refs/heads/main", eve.evidence(first), eve.evidence(last))
    side = eve.objects.commit(eve.tree(middle), message=b"no history\n")
    swapped = eve.objects.commit(eve.tree(last), side, base)
    scene.refused(eve, f"{swapped}:refs/heads/main", eve.evidence(last))
    scene.lands(eve, "main", *(eve.evidence(each) for each in (first, middle, last)))
