"""A push from a shallow clone: what is new ends where nobody can look.

1. Eve pushes an attested commit whose parent is not in the push, and says that her history is shallow
   there.
2. LFCI501, history cannot be read; where the operator lets git take shallow histories, LFCI408.
3. The whole history lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene, wire

ATTACK = Attack("G", "a history that ends in a shallow boundary", expect=("LFCI408",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    hidden = eve.edit()
    commit = eve.edit()
    run = eve.evidence(commit)
    scene.passes(eve, run)
    pack = eve.repo.git(
        "pack-objects", "--stdout", "-q", input="\n".join(_objects(eve, commit)).encode() + b"\n"
    )
    before = wire.line(f"shallow {commit}".encode())
    update = [(eve.tip, commit, MAIN)]
    scene.refused_raw(eve, update, pack, before=before, code="LFCI501")
    scene.forge.repo.git("config", "receive.shallowUpdate", "true")
    scene.refused_raw(eve, [(scene.zero, commit, "refs/heads/release/1")], pack, before=before)
    scene.forge.repo.git("config", "receive.shallowUpdate", "false")
    scene.lands(eve, f"{commit}:{MAIN}")
    scene.holds(scene.forge.repo.line("rev-parse", f"{MAIN}^") == hidden, "the history is whole")


def _objects(eve: object, commit: str) -> list[str]:
    """The commit and all of its tree, without its parents."""
    lines = eve.repo.git("ls-tree", "-r", "-t", commit).decode().splitlines()  # type: ignore[attr-defined]
    return [commit, eve.tree(commit), *(line.split()[2] for line in lines)]  # type: ignore[attr-defined]
