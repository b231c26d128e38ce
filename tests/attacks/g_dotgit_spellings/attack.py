"""`.git` as some file system spells it: whoever checks it out runs the hooks that are in it.

1. Eve adds directories called .GIT, `.git `, .git., git~1, .git::$INDEX_ALLOCATION, .g\u200cit, .git\\x,
   and a file.
2. git's own check refuses most; without it all are LFCI401, also deep in a tree.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", ".git in other spellings", expect=("LFCI401",))
NAMES = (
    b".git",
    b".GIT",
    b".git ",
    b".git.",
    b"git~1",
    b"GIT~1",
    b".git::$INDEX_ALLOCATION",
    b".g\xe2\x80\x8cit",
    b".gi\xef\xbb\xbft",
    b".git\\hooks",
    b"x\\.git\\y",
    b".git . . ",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"#!/bin/sh\nexit 0\n")
    hooks = objects.tree([("40000", b"hooks", objects.tree([("100755", b"post-checkout", blob)]))])
    commit = commit_with(eve, ("40000", b".git", hooks))
    scene.refused(eve, f"{commit}:refs/heads/main", code="git")
    git_looks_away(scene)
    for name in scene.some(NAMES):
        deep = objects.tree([("40000", b"b", objects.tree([("40000", name, hooks)]))])
        for entry in (("40000", name, hooks), ("40000", b"a", deep)):
            scene.refused(eve, f"{commit_with(eve, entry)}:refs/heads/main")
    commit = commit_with(eve, ("40000", b".gitx", hooks), ("40000", b".github", hooks))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
