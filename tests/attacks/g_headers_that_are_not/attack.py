"""Commit headers in a form that git reads, and others do not, or the other way round.

1. Eve's commits have no author, no committer, an address with brackets in it, a date beyond 2^63, a time
   zone of letters, a header twice, a line without a value, a continuation without a header, no end of the
   headers.
2. LFCI402 for each, where git itself does not refuse first.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import Attack, Scene
from tests.attacks.objects import WHO

ATTACK = Attack("G", "commit headers that are malformed", expect=("LFCI402",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    eve.edit()
    git_looks_away(scene)
    head = b"tree %b\nparent %b\n" % (eve.tree("HEAD").encode(), eve.tip.encode())
    author, committer = b"author %b\n" % WHO, b"committer %b\n" % WHO
    bad = (
        committer,
        author,
        b"author Eve <e@x> <e@y> 1 +0000\n" + committer,
        b"author Eve <e@x> 99999999999999999999 +0000\n" + committer,
        b"author Eve <e@x> 1 +abcd\n" + committer,
        b"author Eve e@x 1 +0000\n" + committer,
        b"author Eve <e@x> 1\n" + committer,
        author + committer + b"encoding a\nencoding b\n",
        author + committer + b"gpgsig\n",
        author + committer + b" continued\n",
        committer + author,
    )
    for text in scene.some(bad, 3):
        commit = objects.add("commit", head + text + b"\nchange\n")
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence("HEAD"))
    commit = objects.add("commit", head + author + committer + b"encoding a\ngpgsig x\n y\n\nchange\n")
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence("HEAD"))
