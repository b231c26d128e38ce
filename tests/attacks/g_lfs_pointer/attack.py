"""Large files by pointer: the pointer in the tree is changed to other content, in evidence and in protected
paths.

1. Evidence is of a tree with a pointer; Eve pushes one that points to other content: LFCI104.
2. A protected test becomes a pointer to content that is nowhere in git: LFCI206.
3. The tree with its own evidence lands: what the pointer names is no part of what was run.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "pointers to large files", expect=("LFCI104",))
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 12345\n"


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({"src/data.bin": POINTER % (b"1" * 64)})
    run = eve.evidence("HEAD")
    eve.repo.write("src/data.bin", POINTER % (b"2" * 64))
    eve.repo.git("commit", "-q", "--amend", "-a", "--no-edit")
    scene.refused(eve, "main", run)
    scene.refused(eve, "+HEAD:refs/heads/release/1", run)
    eve.edit({TEST_FILE: POINTER % (b"3" * 64)})
    scene.refused(eve, "main", eve.evidence("HEAD"), code="LFCI206")
    eve.start(base)
    eve.edit({"src/data.bin": POINTER % (b"2" * 64)})
    scene.lands(eve, "main", eve.evidence("HEAD"))
