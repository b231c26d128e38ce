"""The same bytes in other base64: other alphabet, no padding, line breaks, spaces, unused bits set.

1. Payload or signature in such a text: LFCI110. (One statement would have many ids and places.)
2. The one right text lands.
"""

import base64

from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "other base64 of the same bytes", expect=MALFORMED, quick=True)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def variants(data: bytes) -> list[str]:
    """Texts that a lenient decoder takes for ``data``."""
    text = base64.b64encode(data).decode()
    found = [text[:8] + "\n" + text[8:], " " + text, text + "\n", text[:4] + "!" + text[4:], text + "===="]
    url = base64.urlsafe_b64encode(data).decode()
    if url != text:
        found.append(url)
    if text.endswith("="):
        found.append(text.rstrip("="))
        last = text.rstrip("=")[-1]
        bits = LETTERS[LETTERS.index(last) ^ 1]
        found.append(text.rstrip("=")[:-1] + bits + "=" * text.count("="))
    return found


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD", command="pytest  ")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    if len(payload) % 3 == 0:
        run, result = eve.run_of("HEAD", command="pytest   ")
        payload = payload_of(run)
    signature = sign_raw(AGENT, payload)
    honest = eve.deliver(bundle_text(payload, [signature], hint), result)
    _, _, ref = honest.partition(":")
    subject, identifier = ref.split("/")[-2:]
    lines = [bundle_text(text, [signature], hint) for text in variants(payload)]
    lines += [bundle_text(payload, [text], hint) for text in variants(signature)]
    for line in scene.some(lines):
        scene.refused(eve, "main", eve.deliver(line, result, subject=subject, identifier=identifier))
    scene.lands(eve, "main", honest)
