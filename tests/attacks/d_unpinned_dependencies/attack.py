"""The policy refuses dependencies without a content hash; evidence leaves them out, or does not know.

1. Eve adds a lockfile with an unpinned entry: evidence that says so, that does not know, that does not name
   it, that names only another one, and a link in the place of a lockfile: LFCI214.
2. Two agents disagree: LFCI214.
3. Evidence that counts none without a hash in any lockfile lands.
"""

import hashlib

from lfci_gate.model import LockfileFact, Sha256
from tests.attacks.git_objects import commit_with
from tests.attacks.kit import AGENT, MAIN, RULE, SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("D", "dependencies without a content hash", expect=("LFCI214",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "dependencies": {"unpinned": "refuse"}},)))
    eve = scene.eve
    lock = b"# no hashes here\n"
    eve.edit({"src/uv.lock": lock})
    flake = (eve.path / "flake.lock").read_bytes()

    def fact(path: str, data: bytes, unpinned: int | None) -> LockfileFact:
        pinned = None if unpinned is None else 1
        return LockfileFact(path, Sha256(hashlib.sha256(data).hexdigest()), pinned, unpinned)

    good = (fact("flake.lock", flake, 0), fact("src/uv.lock", lock, 0))
    for lockfiles in (
        (),
        good[:1],
        good[1:],
        (good[0], fact("src/uv.lock", lock, 1)),
        (good[0], fact("src/uv.lock", lock, None)),
    ):
        scene.refused(eve, "main", eve.run(lockfiles=lockfiles))
    unsure = eve.run(signer=SECOND_AGENT, lockfiles=(good[0], fact("src/uv.lock", lock, None)))
    scene.refused(eve, "main", eve.run(signer=AGENT, lockfiles=good), unsure)
    link = commit_with(eve, ("120000", b"Cargo.lock", eve.objects.blob(b"flake.lock")))
    scene.refused(eve, f"{link}:{MAIN}", eve.run(link, lockfiles=good[:1]))
    scene.lands(eve, "main", eve.run(lockfiles=good))
