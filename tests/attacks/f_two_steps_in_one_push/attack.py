"""A push brings an approved weak policy and, in its next commit or on another ref, what only that policy
allows.

1. The first commit has a policy that requires nothing, approved; the second one changes the code, without
   evidence: LFCI104, for what is delivered is of the first one.
2. The first commit goes to main and the second to a release branch in one push: LFCI104.
3. One after the other they land.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a policy used by the push that brings it", expect=("LFCI104",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    first = eve.edit({".lfci/policy.toml": policy_text(version=2, rules=({**RULE, "require": []},))})
    run, approvals = eve.evidence(first), eve.approvals(first, base)
    second = eve.edit()
    scene.refused(eve, f"{second}:refs/heads/main", run, *eve.approvals(second, base))
    both = (f"{first}:refs/heads/main", f"{second}:refs/heads/release/1")
    scene.refused(eve, *both, run, *approvals, *eve.approvals(second, base, ref="refs/heads/release/1"))
    scene.lands(eve, f"{first}:refs/heads/main", run, *approvals)
    scene.lands(eve, f"{second}:refs/heads/main")
