"""A signed statement that says FAILED and PASSED.

1. `result`, `predicate`, `subject` twice: LFCI110, signed or not.
2. Once each lands.
"""

from tests.attacks.kit import MALFORMED, Attack, Scene, compact

ATTACK = Attack("A", "duplicate keys in the statement", expect=MALFORMED, quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    text = compact(document)
    for bad in (
        text.replace(b'"result":"PASSED"', b'"result":"FAILED","result":"PASSED"'),
        text.replace(b'"result":"PASSED"', b'"result":"PASSED","result":"FAILED"'),
        text.replace(b'"subject":', b'"subject":[],"subject":'),
        text.replace(b'"predicate":', b'"predicate":{},"predicate":'),
    ):
        assert bad != text
        scene.refused(eve, "main", eve.forged(bad, result))
    scene.lands(eve, "main", eve.forged(text, result))
