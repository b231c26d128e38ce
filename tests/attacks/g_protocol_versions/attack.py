"""The same push in every version of the protocol, in pieces, chunked, atomic, without side-band and without
a report.

1. Eve pushes an unattested commit in each way: LFCI101, or no push at all where nobody could tell her.
2. In each way the attested one lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "a push in every version of the protocol", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.repo.git("config", "http.postBuffer", "65536")
    eve.repo.write("big", bytes(range(256)) * 256 + eve.tip.encode() * 2000)
    for version in ("0", "1", "2"):
        eve.repo.git("config", "protocol.version", version)
        eve.edit()
        scene.refused(eve, "main")
        scene.refused(eve, "--atomic", "main", "HEAD:refs/heads/topic")
        scene.lands(eve, "main", eve.evidence("HEAD"))
    commit = eve.edit()
    pack = scene.pack_for(eve, commit, have=[eve.tip])
    update = [(eve.tip, commit, MAIN)]
    for capabilities in (
        b"report-status",
        b"report-status-v2 side-band-64k",
        b"report-status side-band-64k atomic",
    ):
        scene.refused_raw(eve, update, pack, capabilities=capabilities, code=_seen(capabilities))
    scene.lands(eve, "main", eve.evidence(commit))


def _seen(capabilities: bytes) -> str:
    """Without a side-band only git's own report reaches the client."""
    return "LFCI101" if b"side-band" in capabilities else "git"
