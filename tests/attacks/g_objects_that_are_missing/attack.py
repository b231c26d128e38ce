"""A push without the objects it names: a parent, a tree, a file are nowhere, or were in a push that was
refused.

1. Eve pushes a commit; it is refused, and its objects with it.
2. She sends by hand the same update without a pack of it, with the commit alone, without a parent: git
   drops it, whatever the gate says. She names an object that never was: LFCI501.
3. With its objects and evidence it lands.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene, pack

ATTACK = Attack("G", "objects that are missing", expect=("LFCI501",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit()
    commit = eve.edit()
    scene.refused(eve, "main", code="LFCI101")
    update = [(base, commit, MAIN)]
    nothing = pack([], "sha1")
    scene.refused_raw(eve, update, nothing)
    scene.refused_raw(eve, [(base, "1" * 40, MAIN)], nothing)
    alone = eve.repo.git("pack-objects", "--stdout", "-q", input=f"{commit}\n".encode())
    scene.refused_raw(eve, update, alone, code="git")
    parentless = eve.objects.commit(eve.tree("HEAD"), base, message=b"no tree\n")
    scene.refused_raw(eve, [(base, parentless, MAIN)], scene.pack_of(eve, parentless), code="git")
    git_looks_away(scene)
    for name, data in ((commit, alone), (parentless, scene.pack_of(eve, parentless))):
        scene.refused_raw(eve, [(base, name, MAIN)], data)
    scene.lands(eve, "main", eve.evidence(commit))
