"""Evidence inside the commit message: unsigned, signed by a stranger, bent base64, or a pointer to nothing.

1. An inline trailer signed by a stranger: LFCI103. With the agent's hint: LFCI102. Not in form: LFCI409
   or LFCI110.
2. A `sha256:` pointer to evidence that is nowhere: LFCI101.
3. The agent's inline trailer lands.
"""

import hashlib

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.trailer import format_inline
from tests.attacks.kit import AGENT, STRANGER, Attack, Scene, payload_of, signed_bundle

ATTACK = Attack("A", "forged evidence in a trailer", expect=("LFCI103",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    payload = payload_of(eve.run_of("HEAD")[0])

    def inline(line: bytes) -> str:
        return format_inline(parse_bundle(line))

    def amended(value: str) -> str:
        message = f"change\n\nLfci-Attestation: {value}"
        return eve.repo.line("commit-tree", "HEAD^{tree}", "-p", "HEAD~", "-m", message)

    good = inline(signed_bundle(payload, AGENT))
    scene.refused(eve, f"{amended(inline(signed_bundle(payload, STRANGER)))}:refs/heads/main")
    named = signed_bundle(payload, STRANGER, hint=AGENT.public.fingerprint)
    scene.refused(eve, f"{amended(inline(named))}:refs/heads/main", code="LFCI102")
    nowhere = "sha256:" + hashlib.sha256(payload).hexdigest()
    scene.refused(eve, f"{amended(nowhere)}:refs/heads/main", code="LFCI101")
    scene.refused(eve, f"{amended(good[:-8])}:refs/heads/main", code="LFCI409")
    scene.lands(eve, f"{amended(good)}:refs/heads/main")
