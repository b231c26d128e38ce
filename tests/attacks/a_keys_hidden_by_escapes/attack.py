"""A second `result` hides behind JSON escapes, or behind letters that look the same.

1. `"re\\u0073ult"` beside `"result"`: the same key, LFCI110. A Cyrillic letter or a
   zero-width character in it: an unknown key, LFCI110.
2. One statement whose only `result` is written with an escape is the same JSON, and lands.
"""

from tests.attacks.kit import MALFORMED, Attack, Scene, compact

ATTACK = Attack("A", "keys hidden by Unicode escapes", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    text = compact(document)
    plain = b'"result":"PASSED"'
    for hidden in (
        b'"re\\u0073ult":"PASSED"',
        '"r\u0435sult":"PASSED"'.encode(),
        '"result\u200b":"PASSED"'.encode(),
    ):
        for bad in (hidden + b',"result":"FAILED"', plain + b"," + hidden):
            scene.refused(eve, "main", eve.forged(text.replace(plain, bad), result))
    escaped = text.replace(plain, b'"re\\u0073ult":"PA\\u0053SED"')
    scene.lands(eve, "main", eve.forged(escaped, result))
