"""The flake's files in a form that one tool takes and another does not: a program, a link, a folder,
another case.

1. Eve makes flake.nix executable, flake.lock a link to a file of hers, flake.nix a folder, and adds
   `Flake.lock`, `FLAKE.NIX` beside them or in their place.
2. LFCI401 for each.
3. A file called `flake.nix` in a folder lands.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("D", "the flake's files in another form", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    git_looks_away(scene)
    blob = objects.blob(b"{ outputs = _: { evil = true; }; }\n")
    link, folder = objects.blob(b"src/evil.lock"), objects.tree([("100644", b"default.nix", blob)])
    for entries, gone in (
        ([("100755", b"flake.nix", blob)], ()),
        ([("120000", b"flake.lock", link)], ()),
        ([("40000", b"flake.nix", folder)], ()),
        ([("100644", b"Flake.lock", blob)], ()),
        ([("100644", b"FLAKE.NIX", blob)], (b"flake.nix",)),
        ([("100644", b"fla\xe2\x80\x8dke.nix", blob)], (b"flake.nix",)),
        ([("160000", b"flake.lock", "1" * 40)], ()),
    ):
        commit = commit_with(eve, *entries, without=gone)
        code = "LFCI407" if entries[0][0] == "160000" else "LFCI401"
        scene.refused(eve, f"{commit}:{MAIN}", code=code)
    inner = objects.tree([("100644", b"flake.nix", blob)])
    commit = commit_with(eve, ("40000", b"example", inner))
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
