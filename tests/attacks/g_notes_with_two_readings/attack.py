"""Notes on the forge that somebody has damaged: one note in two places, odd names, links, directories.

1. On the server the notes of evidence get, for the pushed tree, both `abcd...` and `ab/cd...`; a name in
   upper case; a link; a directory of notes that is none.
2. Eve's push, with evidence in the inbox, is LFCI410 for each: what is there cannot be read in one way.
3. With the notes as they were it lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "notes with two readings", expect=("LFCI410",), gateless=False)
NOTES = "refs/notes/lfci"


def mount(scene: Scene) -> None:
    eve = scene.eve
    forge = scene.forge.repo
    eve.edit()
    run, _ = eve.run_of("HEAD")
    name = run.inputs_tree
    spec = eve.evidence("HEAD")
    before = scene.forge.refs()[NOTES]
    blob = forge.git("hash-object", "-w", "--stdin", input=b"{}\n").decode().strip()

    def tree(*lines: str) -> str:
        return forge.git("mktree", input="".join(f"{line}\n" for line in lines).encode()).decode().strip()

    below = tree(f"100644 blob {blob}\t{name[2:]}")
    flat = f"100644 blob {blob}\t{name}"
    for lines in (
        (flat, f"040000 tree {below}\t{name[:2]}"),
        (f"100644 blob {blob}\t{name.upper()}", f"100644 blob {blob}\tREADME"),
        (f"120000 blob {blob}\t{name}",),
        (f"100644 blob {blob}\t{name[:2]}",),
        (f"040000 tree {below}\t{name}",),
    ):
        commit = forge.line("commit-tree", "-m", "notes", tree(*lines))
        forge.git("update-ref", NOTES, commit)
        scene.refused(eve, "main", spec)
    forge.git("update-ref", NOTES, before)
    scene.lands(eve, "main", spec)
