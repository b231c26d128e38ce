"""Packs that are broken: a wrong count, a wrong size, a wrong checksum, cut short, trailing bytes, unknown
types, a delta against nothing, a delta that reads beyond its base.

1. Eve sends each by hand with a command that moves main: git refuses, nothing of it stays.
2. The whole pack lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene, pack, pack_entry

ATTACK = Attack("G", "broken packs", expect=("git",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    commit = eve.objects.commit(eve.tree("HEAD"), eve.tip)
    data = eve.objects.made[commit][1]
    entry = pack_entry("commit", data)
    whole = pack([entry], "sha1")
    nowhere = pack_entry(7, b"\x05\x05\x90\x05", between=b"\1" * 20)
    beyond = pack_entry(7, b"\x05\xff\x7f\xb0\xff\xff", between=bytes.fromhex(eve.tip))
    variations = (
        pack([entry], "sha1", count=2),
        pack([entry, entry], "sha1", count=1),
        pack([pack_entry("commit", data, size=len(data) + 1)], "sha1"),
        pack([pack_entry("commit", data, size=3)], "sha1"),
        pack([pack_entry(5, data)], "sha1"),
        pack([entry, nowhere], "sha1"),
        pack([entry, beyond], "sha1"),
        whole[:-1],
        whole[:-20],
        whole[:-20] + b"\0" * 20,
        whole[:20],
        b"PACK" + (9).to_bytes(4, "big") + whole[8:],
        b"",
    )
    for bad in scene.some(variations, 4):
        scene.refused_raw(eve, [(eve.tip, commit, MAIN)], bad)
    scene.holds(scene.raw(eve, [(eve.tip, commit, MAIN)], whole).status == 0, "the whole pack lands")
