"""In a sha256 repository: names of sha1 length, evidence of sha1 trees, and the other attacks' basics.

1. Eve pushes without evidence (LFCI101), a tree with a name twice (LFCI401), an inbox ref with a sha1
   subject (LFCI210), a ref that looks like main (LFCI211).
2. With evidence her commit lands, folded and recorded.
"""

from lfci_gate.value import replace
from tests.attacks.git_objects import git_looks_away, in_order, items
from tests.attacks.kit import AGENT, MAIN, Attack, Scene

ATTACK = Attack("G", "a sha256 repository", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    scene.setup(object_format="sha256")
    git_looks_away(scene)
    eve = scene.eve
    objects = eve.objects
    commit = eve.edit()
    scene.refused(eve, "main")
    blob = objects.blob(b"x")
    tree = objects.tree(in_order([*items(eve), ("100644", b"src", blob)]))
    scene.refused(eve, f"{objects.commit(tree, eve.tip)}:{MAIN}", code="LFCI401")
    run, data = eve.run_of("HEAD")
    short = replace(run, inputs_tree=run.inputs_tree[:40])
    scene.refused(eve, eve.statement(short, AGENT, result=data), code="LFCI210")
    scene.refused(eve, "HEAD:refs/heads/Main", code="LFCI211")
    scene.lands(eve, "main", eve.evidence(commit))
    scene.holds(len(scene.forge.refs()[MAIN]) == 64, "main is a sha256 name")
