"""One of two protections is approved, or one of two needed approvers has approved, twice.

1. The policy wants a maintainer for tests and two keys for `src/core/`.
2. Eve changes both with the approval of the first part only: LFCI206.
3. With one key's approval of the second part, and with two approvals of the same key: LFCI206.
4. With both keys' it lands.
"""

from datetime import timedelta

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import MAINTAINER, RULE, SECOND_AGENT, Attack, Scene, now, policy_text

ATTACK = Attack("F", "some of the approvals that are needed", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    protect = [
        {"paths": ["tests/", ".lfci/"], "roles": ["maintainer"]},
        {"paths": ["src/core/"], "roles": ["maintainer", "agent"], "threshold": 2},
    ]
    policy = policy_text(rules=({**RULE, "protect": protect},))
    scene.setup(policy)
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n", "src/core/x.py": b"x"})
    run = eve.evidence("HEAD")
    tests, core = eve.approvals("HEAD", base)
    scene.refused(eve, "main", run, tests)
    scene.refused(eve, "main", run, tests, core)
    again = eve.approvals("HEAD", base, issued_at=now() - timedelta(seconds=9))[1]
    scene.refused(eve, "main", run, tests, core, again)
    scene.refused(eve, "main", run, core, eve.approvals("HEAD", base, SECOND_AGENT)[1])
    scene.holds(MAINTAINER.public != SECOND_AGENT.public, "two keys")
    second = eve.approvals("HEAD", base, SECOND_AGENT, reviewer="second")[1]
    scene.lands(eve, "main", run, tests, core, second)
