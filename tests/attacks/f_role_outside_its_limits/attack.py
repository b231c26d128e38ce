"""A role that counts for `docs/` and for release branches attests a change of the code, and of main.

1. The policy limits the role of the second agent to paths below `docs/` on dev branches.
2. It attests: a change of `src/`, one of both, one where `docs/` itself becomes a link, and one of docs on
   main: LFCI109 for each.
3. A change of docs on a dev branch lands with it.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.git_objects import commit_with
from tests.attacks.kit import AGENT, MAINTAINER, RULE, SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("F", "a limited role outside of its limits", expect=("LFCI109",))
KEYS = {
    "maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]},
    "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
    "writer": {"public": format_public(SECOND_AGENT.public), "roles": ["writer"]},
}


def mount(scene: Scene) -> None:
    rule = {**RULE, "require": [{"check": "test", "roles": ["agent", "writer"]}]}
    rule["refs"] = [*RULE["refs"], "refs/heads/dev/*"]
    limits = {"writer": {"refs": ["refs/heads/dev/*"], "paths": ["docs/"]}}
    scene.setup(server_policy=policy_text(keys=KEYS, roles=limits, rules=(rule,)))
    eve = scene.eve
    base = eve.tip
    dev = "refs/heads/dev/1"
    code = eve.edit()
    scene.refused(eve, f"{code}:{dev}", eve.evidence(code, SECOND_AGENT))
    both = eve.edit({"docs/x.md": b"x"})
    scene.refused(eve, f"{both}:{dev}", eve.evidence(both, SECOND_AGENT))
    link = commit_with(eve, ("120000", b"docs", eve.objects.blob(b"src")))
    scene.refused(eve, f"{link}:{dev}", eve.evidence(link, SECOND_AGENT))
    docs = eve.objects.files({"x.md": b"x"})
    only = commit_with(eve, ("40000", b"docs", docs))
    scene.refused(eve, f"{only}:refs/heads/main", eve.evidence(only, SECOND_AGENT))
    scene.holds(eve.tip == base, "main has not moved")
    scene.lands(eve, f"{only}:{dev}", eve.evidence(only, SECOND_AGENT))
