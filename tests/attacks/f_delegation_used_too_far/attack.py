"""Delegated approval is used after its end, for other paths, for another ref, and along a chain with a gap.

1. The maintainer's role is delegated to leads for `tests/` on main; to deputies of leads until yesterday;
   to interns of deputies for as long as anybody likes.
2. A lead approves a change of the flake, and one of tests on a release branch; a deputy approves tests; an
   intern does: LFCI215 for each. A builder approves `site/`, by the delegated role of an architect whose
   own role reaches no further than `docs/`: LFCI215.
3. A lead's approval of tests on main counts, and an architect's of docs.
4. In a policy that delegates and limits no role, a lead's approval of the flake is LFCI215. That of tests
   counts, and so does a run by a builder, to whom the agent's role is delegated.
"""

from datetime import timedelta
from typing import Any

from lfci_gate.attest.keys import format_public
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import AGENT, RULE, Attack, Scene, ed25519_signer, now, policy_text

ATTACK = Attack("F", "delegated approval used too far", expect=("LFCI215",))
LEAD, DEPUTY, INTERN, OWNER = (ed25519_signer(name) for name in ("lead", "deputy", "intern", "owner"))
ARCHITECT, BUILDER = (ed25519_signer(name) for name in ("architect", "builder"))
HOLDERS = {
    "agent": AGENT,
    "lead": LEAD,
    "deputy": DEPUTY,
    "intern": INTERN,
    "maintainer": OWNER,
    "architect": ARCHITECT,
    "builder": BUILDER,
}
KEYS = {name: {"public": format_public(each.public), "roles": [name]} for name, each in HOLDERS.items()}


def policy() -> bytes:
    later, over = now() + timedelta(days=300), now() - timedelta(days=1)
    links: list[dict[str, Any]] = [
        {
            "from": "maintainer",
            "to": "lead",
            "paths": ["tests/"],
            "refs": ["refs/heads/main"],
            "until": later,
        },
        {"from": "lead", "to": "deputy", "paths": ["tests/"], "until": over},
        {"from": "deputy", "to": "intern", "paths": ["tests/"], "until": later},
        {"from": "architect", "to": "builder", "refs": ["refs/heads/main"], "until": later},
    ]
    docs = [{"paths": [path], "roles": ["architect"]} for path in ("docs/", "site/")]
    rule = {**RULE, "protect": [*RULE["protect"], *docs]}
    return policy_text(keys=KEYS, delegations=links, roles={"architect": {"paths": ["docs/"]}}, rules=(rule,))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy())
    eve = scene.eve
    base = eve.tip
    flake = eve.edit({"flake.nix": b"{ outputs = _: { x = 1; }; }\n"})
    words = policy()
    scene.refused(eve, "main", eve.evidence(flake), *eve.approvals(flake, base, LEAD, policy=words))
    eve.start(base)
    eve.repo.write("site/x.html", b"x")
    site = eve.repo.commit()
    scene.refused(eve, "main", eve.evidence(site), *eve.approvals(site, base, BUILDER, policy=words))
    eve.start(base)
    tests = eve.repo.write(TEST_FILE, b"def test_answer():\n    pass\n") and eve.repo.commit()
    run, release = eve.evidence(tests), "refs/heads/release/1"
    scene.refused(
        eve, f"{tests}:{release}", run, *eve.approvals(tests, base, LEAD, ref=release, policy=words)
    )
    for signer in (DEPUTY, INTERN):
        scene.refused(eve, "main", run, *eve.approvals(tests, base, signer, policy=words))
    scene.lands(eve, "main", run, *eve.approvals(tests, base, LEAD, policy=words))
    base = eve.tip
    eve.repo.write("docs/x.md", b"x")
    docs = eve.repo.commit()
    scene.lands(eve, "main", eve.evidence(docs), *eve.approvals(docs, base, ARCHITECT, policy=words))
    later, base = now() + timedelta(days=300), eve.tip
    links = [
        {"from": "maintainer", "to": "lead", "paths": ["tests/"], "until": later},
        {"from": "agent", "to": "builder", "refs": ["refs/heads/main"], "until": later},
    ]
    words = policy_text(version=2, keys=KEYS, delegations=links)
    scene.forge.set_policy(words)
    flake = eve.edit({"flake.nix": b"{ outputs = _: { x = 2; }; }\n"})
    run = eve.evidence(flake, BUILDER)
    scene.refused(eve, "main", run, *eve.approvals(flake, base, LEAD, policy=words))
    eve.start(base)
    tests = eve.edit({TEST_FILE: b"def test_answer():\n    assert 1\n"})
    run = eve.evidence(tests, BUILDER)
    scene.lands(eve, "main", run, *eve.approvals(tests, base, LEAD, policy=words))
