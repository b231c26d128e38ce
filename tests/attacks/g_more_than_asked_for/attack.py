"""A pack with objects that no ref of the push needs: another commit's evidence, blobs, trees of what was
refused.

1. Eve's pack for an unattested commit also holds thousands of other objects: LFCI101, and none of them
   stays.
2. So does the pack for an inbox ref that is refused.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "a pack with other objects in it", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    commit = objects.commit(eve.tree("HEAD"), eve.tip)
    wanted = eve.edit()
    for number in range(1000):
        objects.blob(b"junk %d" % number)
    wanted_pack = scene.pack_for(eve, wanted, have=[eve.tip])
    junk = scene.pack_of(eve, *objects.made)
    both = wanted_pack[:8] + _count(wanted_pack, junk) + wanted_pack[12:-20] + junk[12:-20]
    scene.refused_raw(eve, [(eve.tip, wanted, MAIN)], _signed(both))
    ref = f"refs/lfci/inbox/{'1' * 40}/{'2' * 64}"
    scene.refused_raw(
        eve, [(scene.zero, objects.tree([]), ref)], scene.pack_of(eve, *objects.made), code="LFCI210"
    )
    scene.lands(eve, f"{commit}:{MAIN}")


def _count(*packs: bytes) -> bytes:
    return sum(int.from_bytes(each[8:12], "big") for each in packs).to_bytes(4, "big")


def _signed(data: bytes) -> bytes:
    import hashlib

    return data + hashlib.sha1(data, usedforsecurity=False).digest()
