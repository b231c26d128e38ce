"""Refs outside of branches, tags, notes and the inbox, which some server or client gives a meaning to.

1. Eve pushes refs/remotes/origin/main, refs/stash, refs/meta/config, refs/pull/1/head, refs/original/...,
   refs/Heads/main, refs/bisect/bad, refs/worktree/x, refs/rewritten/x.
2. LFCI211 for each.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "refs in namespaces that mean something elsewhere", expect=("LFCI211",))
NAMES = (
    "refs/remotes/origin/main",
    "refs/stash",
    "refs/meta/config",
    "refs/pull/1/head",
    "refs/merge-requests/1/head",
    "refs/original/refs/heads/main",
    "refs/Heads/main",
    "refs/bisect/bad",
    "refs/rewritten/x",
    "refs/for/main",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for name in scene.some(NAMES):
        scene.refused(eve, f"HEAD:{name}")
    scene.passes(eve, "HEAD:refs/heads/for/main")
