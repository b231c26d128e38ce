"""A pack in which a large file, a tree and a commit are the last of four thousand deltas of each other.

1. Eve sends by hand a chain of deltas for a file that the gate reads (`.lfci/config.toml` of her commit):
   git unpacks it, the gate reads it once; LFCI206 as for any change of that file.
"""

from tests.attacks.git_objects import items, name_of
from tests.attacks.kit import CONFIG, MAIN, Attack, Scene, pack, pack_entry

ATTACK = Attack("H", "a chain of four thousand deltas", expect=("LFCI206",))
LENGTH = 4000


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    run = eve.evidence("HEAD")
    base = CONFIG + b"# " + b"x" * 100_000
    entries, data = [pack_entry("blob", base)], base
    for number in range(LENGTH):
        before = name_of("blob", data)
        text = b"%d" % number
        delta = _delta(len(data), len(base), text)
        data = base + text
        entries.append(pack_entry(7, delta, between=bytes.fromhex(before)))
    config = name_of("blob", data)
    policy = next(each for each in items(eve, "HEAD:.lfci") if each[1] == b"policy.toml")
    lfci = objects.tree([("100644", b"config.toml", config), policy])
    root = [each for each in items(eve) if each[1] != b".lfci"]
    tree = objects.tree(sorted([*root, ("40000", b".lfci", lfci)], key=lambda each: each[1]))
    commit = objects.commit(tree, eve.tip)
    entries += [pack_entry(*objects.made[each]) for each in (lfci, tree, commit)]
    scene.refused_raw(eve, [(eve.tip, commit, MAIN)], pack(entries, "sha1"), code=("LFCI101", "LFCI206"))
    scene.passes(eve, run)


def _size(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _delta(source: int, copied: int, text: bytes) -> bytes:
    """Copies the first ``copied`` bytes of the source, and adds ``text``."""
    copy = bytes([0x80 | 0x10 | 0x20 | 0x40]) + copied.to_bytes(3, "little")
    return _size(source) + _size(copied + len(text)) + copy + bytes([len(text)]) + text
