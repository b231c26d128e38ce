"""Where an approval lets tests vanish: one of another change, of a part of it, by the agent, is used for
more.

1. A maintainer approved a change that removes one test. Eve goes on and removes another one: LFCI213.
2. An approval of the protected paths only, and one by the agent's key: LFCI213.
3. The maintainer's approval of the whole change lets it land.
"""

from typing import Any

from lfci_gate.config.policy import parse_policy
from lfci_gate.gate.against_base import whole_change
from lfci_gate.gate.protect import Change
from lfci_gate.model import Approval
from tests.attacks.compared import document, rule
from tests.attacks.kit import AGENT, MAIN, MAINTAINER, REPOSITORY, Attack, Person, Scene, now, policy_text

ATTACK = Attack("C", "an approval of a lesser change", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    text = policy_text(rules=(rule(tests={"removed": "approval"}),))
    scene.setup(server_policy=text)
    eve = scene.eve
    base = eve.tip
    eve.edit()
    lesser = approval(eve, base, text)
    eve.edit()
    run = eve.evidence("HEAD", document=document("t::one"))
    scene.refused(eve, "main", run)
    scene.refused(eve, "main", run, eve.statement(lesser, MAINTAINER))
    whole = approval(eve, base, text)
    scene.refused(eve, "main", run, eve.statement(whole, AGENT))
    part = approval(eve, base, text, paths=("src/", "tests/"))
    scene.refused(eve, "main", run, eve.statement(part, MAINTAINER))
    scene.forge.set_policy(policy_text(version=2, rules=(rule(),)))
    scene.refused(eve, "main", run, eve.statement(whole, MAINTAINER))  # nobody may approve it there
    scene.forge.set_policy(policy_text(version=3, rules=(rule(tests={"removed": "approval"}),)))
    scene.lands(eve, "main", run, eve.statement(whole, MAINTAINER))


def approval(eve: Person, base: str, policy: bytes, **changes: Any) -> Approval:
    """Of the whole change from ``base`` to HEAD."""
    [found] = parse_policy(policy).rules
    change = Change(MAIN, eve.tree("HEAD"), eve.tree(base), eve.tree("HEAD"))
    part = whole_change(change, found)
    fields: dict[str, Any] = {"paths": part.protection.paths, **changes}
    return Approval(
        to_tree=part.to_tree,
        from_tree=part.from_tree,
        repository=REPOSITORY,
        ref=MAIN,
        reviewer="maintainer",
        reason="they are one test now",
        issued_at=now(),
        **fields,
    )
