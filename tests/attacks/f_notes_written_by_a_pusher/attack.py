"""Attestations written into the notes by the pusher itself, in git's own way.

1. Eve fetches the notes, adds a note with an attestation by her own key, and pushes them as a fast-forward,
   alone and together with her commit: LFCI209.
2. To other names below refs/notes/lfci, and of a ref that does not exist: LFCI209.
3. Notes of people (refs/notes/commits) pass, and count for nothing: her commit is still LFCI101.
"""

from tests.attacks.kit import STRANGER, Attack, Scene

ATTACK = Attack("F", "notes written by a pusher", expect=("LFCI209",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.repo.git("fetch", "-q", str(scene.forge.path), "+refs/notes/*:refs/notes/*")
    eve.edit()
    run, _ = eve.run_of("HEAD")
    (eve.path / "line").write_bytes(eve.bundle(run, STRANGER) + b"\n")
    blob = eve.repo.line("hash-object", "-w", "line")
    (eve.path / "line").unlink()
    eve.repo.git("notes", "--ref=refs/notes/lfci", "add", "-f", "-C", blob, run.inputs_tree)
    scene.refused(eve, "refs/notes/lfci:refs/notes/lfci")
    scene.refused(eve, "main", "refs/notes/lfci:refs/notes/lfci", code=("LFCI101", "LFCI209"))
    for name in ("lfci-else", "lfci/x", "lfci2"):
        scene.refused(eve, f"refs/notes/lfci:refs/notes/{name}")
    scene.passes(eve, "refs/notes/lfci:refs/notes/commits")
    scene.refused(eve, "main", code="LFCI101")
