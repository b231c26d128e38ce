"""A good bypass is to waive what nobody may waive: a change of the policy, an unsafe tree, a rewind; or more
than its words.

1. A new policy without approval: LFCI206 and LFCI218. A tree with `.GIT`: LFCI401. A rewind: LFCI208. A
   bypass of the checks alone, for a change of protected tests: LFCI206 and LFCI218 stay with LFCI101.
2. With the words that it needs it lands.
"""

from tests.attacks.glass import bypass, with_glass
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("A", "break-glass for what cannot be waived", expect=("LFCI101", "LFCI206", "LFCI218"))


def mount(scene: Scene) -> None:
    scene.setup(with_glass())
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    change = eve.rev("HEAD")
    scene.refused(eve, "main", bypass(eve, waives=("checks",)))
    eve.start(base)
    eve.edit({".lfci/policy.toml": with_glass(2, protect=[])})
    scene.refused(eve, "main", bypass(eve))
    eve.start(base)
    blob = eve.objects.blob(b"x")
    evil = eve.objects.tree([("100644", b".GIT", blob), ("100644", b"x", blob)])
    commit = eve.objects.commit(evil, base)
    spec = bypass(eve, rev=commit)
    # by hand: fsckObjects would refuse it first
    scene.forge.repo.git("config", "receive.fsckObjects", "false")
    scene.refused(eve, f"{commit}:{MAIN}", spec, code="LFCI401")
    scene.forge.repo.git("config", "receive.fsckObjects", "true")
    root = eve.repo.line("commit-tree", f"{base}^{{tree}}", "-m", "another history")
    scene.refused(eve, f"+{root}:{MAIN}", bypass(eve, rev=root), code="LFCI208")
    scene.lands(eve, f"{change}:{MAIN}", bypass(eve, rev=change))
