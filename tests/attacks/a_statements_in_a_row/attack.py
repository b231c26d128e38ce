"""More than one document where one belongs: two statements in one payload, trailing text, an array of
statements, two lines in one inbox object.

1. In the payload: LFCI110. In the inbox object: LFCI210.
2. One statement lands.
"""

from tests.attacks.kit import AGENT, MALFORMED, STRANGER, Attack, Scene, compact, payload_of, signed_bundle

ATTACK = Attack("A", "several documents in a row", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    text = compact(document)
    for bad in (
        text + text,
        text + b"\n" + text,
        b"[%b]" % text,
        text + b"\0",
        text + b"//",
        b"\xef\xbb\xbf" + text,
    ):
        scene.refused(eve, "main", eve.forged(bad, result))
    run, result = eve.run_of("HEAD")
    good, junk = signed_bundle(payload_of(run), AGENT), signed_bundle(payload_of(run), STRANGER)
    honest = eve.deliver(good, result)
    ref = honest.partition(":")[2]
    blob = eve.objects.blob(junk + b"\n" + good + b"\n")
    paper = eve.objects.blob(result)
    tree = eve.objects.tree([("100644", b"attestation", blob), ("100644", b"result", paper)])
    scene.refused(eve, "main", f"{tree}:{ref}", code=("LFCI101", "LFCI210"))
    scene.lands(eve, "main", honest)
