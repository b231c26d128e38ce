"""Values that are equal in a loose language: true for 1, 0.0 for 0, "0" for 0, NaN, 1e0, -0, null.

1. As exit code or counts: LFCI110.
2. The integer lands.
"""

from tests.attacks.kit import MALFORMED, Attack, Scene, compact

ATTACK = Attack("A", "values of another type", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    text = compact(document)
    values = (b"false", b"0.0", b'"0"', b"NaN", b"0e0", b"null", b"[]", b"-1", b"256", b"9007199254740993")
    for value in values:
        bad = text.replace(b'"exitCode":0', b'"exitCode":%b' % value)
        assert bad != text
        scene.refused(eve, "main", eve.forged(bad, result))
    for value in (b"true", b"2.0", b"-2", b"9999999999999999999999"):
        bad = text.replace(b'"passed":2', b'"passed":%b' % value)
        assert bad != text
        scene.refused(eve, "main", eve.forged(bad, result))
    scene.lands(eve, "main", eve.forged(text, result))
