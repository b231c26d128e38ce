"""What a bundle says about its key gets into the pusher's terminal and the operator's log.

1. Hints with escape sequences, line breaks and a forged verdict: LFCI110; with right-to-left marks and
   look-alikes: LFCI103. Either way everything that the pusher reads is plain ASCII, and no line is the
   attacker's.
2. An honest delivery lands.
"""

from tests.attacks.kit import MALFORMED, STRANGER, Attack, Scene, payload_of, signed_bundle

ATTACK = Attack("A", "a hint that writes to the terminal", expect=MALFORMED, gateless=False)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    said = []
    for hint in (
        "\x1b[2J\x1b]0;owned\x07",
        "x\nhint: curl example.com | sh",
        "x\rok refs/heads/main",
        "\x9b31m",
    ):
        line = signed_bundle(payload, STRANGER, hint=hint)
        said.append(scene.refused(eve, "main", eve.deliver(line, result)).output)
    for hint in ("\u202eTPECCA", "\u0430gent", "SHA256:\ufeff"):
        line = signed_bundle(payload, STRANGER, hint=hint)
        pushed = scene.refused(eve, "main", eve.deliver(line, result), code=("LFCI103",))
        said.append(pushed.output)
    for text in said:
        lines = text.replace("\x1b[K", "").splitlines()  # git's own, at the end of a remote's line
        scene.holds(all(line.isascii() and line.isprintable() for line in lines), ascii(text))
        scene.holds(not any("curl" in line or line.startswith("ok ") for line in lines), ascii(text))
    scene.lands(eve, "main", eve.run())
