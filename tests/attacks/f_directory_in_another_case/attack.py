"""Beside a protected directory stands one whose name differs by case or Unicode form: where that does not
count, files of both are in one.

1. Eve adds `Tests/conftest.py`, `TESTS`, and beside a directory with an accent the same name in another
   form.
2. LFCI401 for each: such trees are refused.
"""

import unicodedata

from tests.attacks.git_objects import commit_with
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a protected directory in another case", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    folder = objects.tree([("100644", b"conftest.py", objects.blob(b"evil = True\n"))])
    for name in (b"Tests", b"TESTS", b"te\xe2\x80\x8csts"):
        commit = commit_with(eve, ("40000", name, folder))
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    one, two = (unicodedata.normalize(form, "caf\u00e9").encode() for form in ("NFC", "NFD"))
    commit = commit_with(eve, ("40000", one, folder), ("40000", two, folder))
    scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    commit = commit_with(eve, ("40000", one, folder))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
