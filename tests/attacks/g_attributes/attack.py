"""`.gitattributes` that overflow a reader, or are not a file.

1. Eve adds one with a line of 3,000 bytes, one of two megabytes, one that is a link, and one in another
   spelling.
2. LFCI401, LFCI412 for the large one.
3. One that leaves the tests out of archives lands: what is run is the tree, not an archive.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", ".gitattributes that overflow a reader", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    git_looks_away(scene)
    long = objects.blob(b"* " + b"a" * 3000 + b"\n")
    for entry, code in (
        (("100644", b".gitattributes", long), "LFCI401"),
        (("100644", b".GitAttributes", long), "LFCI401"),
        (("100644", b"gi7d29~1", long), "LFCI401"),
        (("100644", b".gitattributes", objects.blob(b"* text\n" * 300_000)), "LFCI412"),
        (("120000", b".gitattributes", objects.blob(b"src/lib.py")), "LFCI401"),
        (("40000", b".gitattributes", objects.tree([("100644", b"x", long)])), "LFCI401"),
    ):
        scene.refused(eve, f"{commit_with(eve, entry)}:{MAIN}", code=code)
    ignoring = ("100644", b".gitattributes", objects.blob(b"tests export-ignore\n* text=auto eol=crlf\n"))
    commit = commit_with(eve, ignoring)
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
