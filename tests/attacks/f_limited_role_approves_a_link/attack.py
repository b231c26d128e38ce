"""A link takes the place of a protected folder, approved by somebody whose role reaches only into the folder.

1. Leads may approve `tests/`, and their role reaches no further than `tests/` and `other/`. They approve a
   change that puts a link in the place of `tests/`: LFCI215, the link is beside what their role reaches.
2. Their approval of a change within the folder counts.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.git_objects import TEST_FILE, commit_with, items
from tests.attacks.kit import AGENT, MAINTAINER, RULE, Attack, Scene, ed25519_signer, policy_text

ATTACK = Attack("F", "a limited role approves a link", expect=("LFCI215",))
LEAD = ed25519_signer("lead")


def mount(scene: Scene) -> None:
    holders = {"agent": AGENT, "lead": LEAD, "maintainer": MAINTAINER}
    keys = {name: {"public": format_public(each.public), "roles": [name]} for name, each in holders.items()}
    rule = {**RULE, "protect": [{"paths": ["tests/"], "roles": ["lead", "maintainer"]}]}
    words = policy_text(keys=keys, roles={"lead": {"paths": ["tests/", "other/"]}}, rules=(rule,))
    scene.setup(server_policy=words)
    eve = scene.eve
    base = eve.tip
    tests = next(oid for _mode, name, oid in items(eve) if name == b"tests")
    link = eve.objects.blob(b"other")
    commit = commit_with(eve, ("40000", b"other", tests), ("120000", b"tests", link))
    scene.refused(
        eve,
        f"{commit}:refs/heads/main",
        eve.evidence(commit),
        *eve.approvals(commit, base, LEAD, policy=words),
    )
    eve.start(base)
    eve.repo.write(TEST_FILE, b"def test_answer():\n    pass\n")
    eve.repo.commit()
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, LEAD, policy=words))
