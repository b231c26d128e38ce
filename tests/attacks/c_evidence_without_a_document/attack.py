"""Evidence in a trailer brings no result document: nobody can see which tests are gone.

1. The rule takes no change in which tests vanish. Eve's run has one test less.
2. By the inbox that is LFCI213. By a trailer alone: LFCI221, what cannot be compared is refused.
3. So is a run of more tests, whose document nobody has. Delivered by the inbox it lands.
"""

from tests.attacks.compared import document, rule
from tests.attacks.git_objects import trailer
from tests.attacks.kit import AGENT, Attack, Scene, policy_text

ATTACK = Attack("C", "evidence without its list of tests", expect=("LFCI221",), quick=True)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(rule(),)))
    eve = scene.eve
    eve.edit()
    less = document("t::one")
    scene.refused(eve, "main", eve.evidence("HEAD", document=less), code="LFCI213")
    run, _ = eve.run_of("HEAD", document=less)
    eve.repo.git("commit", "-q", "--amend", "-m", "change", "-m", trailer(eve, eve.bundle(run, AGENT)))
    scene.refused(eve, "main")
    more = document("t::one", "t::three", "t::two")
    run, _ = eve.run_of("HEAD", document=more)
    eve.repo.git("commit", "-q", "--amend", "-m", "change", "-m", trailer(eve, eve.bundle(run, AGENT)))
    scene.refused(eve, "main")
    scene.lands(eve, "main", eve.evidence("HEAD", document=more))
