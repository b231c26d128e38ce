"""One person with two keys is a threshold of two: for the check, and for the approval.

1. The policy wants two attesters and two approvers; two keys have one identity.
2. Both keys attest: LFCI111. Both approve: LFCI206.
3. With a key of somebody else it lands.
"""

from lfci_gate.attest.keys import format_public
from lfci_gate.config.policy import parse_policy
from lfci_gate.git.objects import BatchReader
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import MAIN, RULE, Attack, Person, Scene, ed25519_signer, now, policy_text
from tests.support.statements import approvals_of

ATTACK = Attack("F", "one person with two keys", expect=("LFCI111",))
HOLDERS = {
    "desk": "alice",
    "laptop": "alice",
    "phone": "bob",
    "one": "carol",
    "two": "carol",
    "three": "dave",
}
SIGNERS = {name: ed25519_signer(name) for name in HOLDERS}


def keys() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name, holder in HOLDERS.items():
        role = "agent" if holder in ("alice", "bob") else "maintainer"
        found[name] = {"public": format_public(SIGNERS[name].public), "roles": [role], "identity": holder}
    return found


def mount(scene: Scene) -> None:
    rule = {
        **RULE,
        "require": [{"check": "test", "roles": ["agent"], "threshold": 2}],
        "protect": [{"paths": ["tests/", ".lfci/"], "roles": ["maintainer"], "threshold": 2}],
    }
    text = policy_text(keys=keys(), rules=(rule,))
    scene.setup(server_policy=text)
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    runs = {name: eve.evidence("HEAD", SIGNERS[name]) for name in ("desk", "laptop", "phone")}
    approvals = {name: approval(eve, base, text, name) for name in ("one", "two", "three")}
    honest = (runs["desk"], runs["phone"], approvals["one"], approvals["three"])
    scene.refused(eve, "main", runs["desk"], runs["laptop"], *honest[2:])
    scene.refused(eve, "main", *honest[:2], approvals["one"], approvals["two"], code="LFCI206")
    scene.lands(eve, "main", *honest)


def approval(eve: Person, base: str, policy: bytes, name: str) -> str:
    """By the operator's policy, which is not the one of the tree."""
    [rule] = parse_policy(policy).rules
    with BatchReader(eve.repo.tool) as source:
        trees = (eve.tree(base), eve.tree("HEAD"))
        [made] = approvals_of(source, rule, MAIN, trees, now(), reviewer=name)
    return eve.statement(made, SIGNERS[name])
