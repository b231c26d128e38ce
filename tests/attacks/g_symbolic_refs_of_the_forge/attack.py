"""Symbolic refs that somebody left on the forge lead to what no push may move.

1. The operator once made branches that are symbolic refs: to the notes, into the inbox, and to a name outside
   of all namespaces.
2. Eve pushes a commit to each: LFCI209 for the forge's own ref, LFCI212 into the inbox, LFCI211 for the
   unknown namespace.
3. A symbolic ref to an ordinary branch passes, and that branch has moved.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "symbolic refs to what nobody pushes", expect=("LFCI209",))


def mount(scene: Scene) -> None:
    forge = scene.forge.repo
    eve = scene.eve
    commit = eve.edit()
    waiting = eve.evidence(commit).rpartition(":")[2]
    for name, leads, code in (
        ("notes", "refs/notes/lfci", "LFCI209"),
        ("landed", "refs/notes/lfci-landed", "LFCI209"),
        ("inbox", waiting, "LFCI212"),
        ("elsewhere", "refs/elsewhere/x", "LFCI211"),
    ):
        there = leads in scene.forge.refs()
        if not there:
            forge.git("update-ref", leads, eve.tip)  # fsck minds a symbolic ref that leads nowhere
        forge.git("symbolic-ref", f"refs/heads/{name}", leads)
        scene.refused(eve, "--force", f"{commit}:refs/heads/{name}", code=code)
        forge.git("symbolic-ref", "-d", f"refs/heads/{name}")
        if not there:
            forge.git("update-ref", "-d", leads)
    forge.git("update-ref", "refs/heads/topic", eve.tip)
    forge.git("symbolic-ref", "refs/heads/other-name", "refs/heads/topic")
    scene.passes(eve, f"{commit}:refs/heads/other-name")
    scene.holds(scene.forge.refs()["refs/heads/topic"] == commit, "the branch that it leads to has moved")
