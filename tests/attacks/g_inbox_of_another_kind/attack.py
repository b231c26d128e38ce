"""An inbox ref points to a commit, a file, a tag, a nested tree: evidence that other tools would follow
further.

1. Eve delivers her evidence as a blob, as the tree of a commit, as an annotated tag of the tree, of the
   commit.
2. LFCI210 for each.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import AGENT, Attack, Scene

ATTACK = Attack("G", "an inbox ref to something that is no tree", expect=("LFCI210",), gateless=False)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    eve.edit()
    run, _ = eve.run_of("HEAD")
    spec = eve.evidence("HEAD", attester=run.attester)
    tree, _, ref = spec.partition(":")
    commit = objects.commit(tree)
    git_looks_away(scene)
    for target in (
        objects.blob(eve.bundle(run, AGENT) + b"\n"),
        commit,
        objects.tag(tree, "tree"),
        objects.tag(commit),
        objects.tree([("40000", b"attestation", tree)]),
    ):
        scene.refused(eve, f"{target}:{ref}")
    scene.lands(eve, "main", spec)
