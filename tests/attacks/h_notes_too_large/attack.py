"""A note of evidence on the forge has grown to 65 MB, or holds a line that is none (a careless merge, a
full disk).

1. On the server the note of the pushed tree is 65 MB of attestations: LFCI412. It holds junk beside a good
   one: that is told, and passed over.
"""

from tests.attacks.kit import AGENT, Attack, Scene

ATTACK = Attack("H", "a note of 65 MB", expect=("LFCI412",), gateless=False)
NOTES = "refs/notes/lfci"


def mount(scene: Scene) -> None:
    eve = scene.eve
    forge = scene.forge.repo
    eve.edit()
    run, _ = eve.run_of("HEAD")
    line = eve.bundle(run, AGENT)
    before = scene.forge.refs()[NOTES]
    for note, code in (
        ((line + b"\n") * (65 * 1024 * 1024 // len(line)), "LFCI412"),
        (b"junk\n\0\xff\n", "LFCI110"),
    ):
        blob = forge.git("hash-object", "-w", "--stdin", input=note).decode().strip()
        tree = forge.git("mktree", input=f"100644 blob {blob}\t{run.inputs_tree}\n".encode()).decode().strip()
        forge.git("update-ref", NOTES, forge.line("commit-tree", "-m", "notes", tree))
        scene.refused(eve, "main", code=code)
    scene.passes(eve, "main", eve.evidence("HEAD"))
    forge.git("update-ref", NOTES, before)
