"""A commit message with the inline evidence of another commit is copied to a new one (as rebase and
cherry-pick do).

1. Cherry-picked onto another tree: LFCI104.
2. With evidence of the new tree in its place it lands.
"""

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.trailer import format_inline
from tests.attacks.kit import AGENT, Attack, Scene, payload_of, signed_bundle

ATTACK = Attack("B", "a trailer copied to another commit", expect=("LFCI104",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({"src/one.py": b"1"})

    def with_trailer() -> str:
        payload = payload_of(eve.run_of("HEAD")[0])
        value = format_inline(parse_bundle(signed_bundle(payload, AGENT)))
        eve.repo.git("commit", "-q", "--amend", "-m", "change", "-m", f"Lfci-Attestation: {value}")
        return eve.rev("HEAD")

    attested = with_trailer()
    eve.start(base)
    eve.repo.write("src/two.py", b"2")
    eve.repo.commit()
    eve.repo.git("cherry-pick", attested)
    scene.refused(eve, "main")
    with_trailer()
    scene.lands(eve, "main")
