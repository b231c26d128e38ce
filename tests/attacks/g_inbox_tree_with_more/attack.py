"""The tree of an inbox ref holds more, or something else, than one attestation and its result.

1. Eve delivers good evidence in a tree with a third file, a folder, a link or a program in the place of a
   file, other names, the names twice, no attestation, an attestation of two lines or of none.
2. LFCI210 for each, and git's own check where it looks.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import AGENT, Attack, Scene

ATTACK = Attack("G", "an inbox tree that holds more", expect=("LFCI210",), quick=True, gateless=False)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    eve.edit()
    run, data = eve.run_of("HEAD")
    line = eve.bundle(run, AGENT)
    spec = eve.evidence("HEAD", attester=run.attester)
    ref = spec.partition(":")[2]
    one, result = objects.blob(line + b"\n"), objects.blob(data)
    good = [("100644", b"attestation", one), ("100644", b"result", result)]
    folder = objects.tree([("100644", b"x", one)])
    two = [
        ("100644", b"attestation", objects.blob(text))
        for text in (line, line + b"\n\n", line + b"\n" + line + b"\n")
    ]
    git_looks_away(scene)
    for entries in scene.some(
        (
            [*good, ("100644", b"zz", result)],
            [*good, ("40000", b"zz", folder)],
            [good[0], ("120000", b"result", result)],
            [("100755", b"attestation", one), good[1]],
            [("120000", b"attestation", one), good[1]],
            [("40000", b"attestation", folder), good[1]],
            [good[0], good[0], good[1]],
            [good[1], good[0]],
            [good[1]],
            [],
            [good[0]],
            [("100644", b"Attestation", one), good[1]],
            *([each, good[1]] for each in two),
        ),
        4,
    ):
        scene.refused(eve, f"{objects.tree(entries)}:{ref}")
    scene.lands(eve, "main", spec)
