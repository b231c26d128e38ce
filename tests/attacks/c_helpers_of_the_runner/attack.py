"""Files that the test runner loads by itself: they can make any test pass.

1. Eve adds `tests/conftest.py`, compiled code beside a test, `tests/__init__.py`, a plug-in below `tests/`,
   and changes `pytest.ini` where the policy names it: LFCI206.
2. The same outside of what the policy protects lands: the gate guards what the policy names, and only this
   (docs/threat-model.md).
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("C", "files that the test runner loads", expect=("LFCI206",))
PROTECTED = (
    "tests/conftest.py",
    "tests/__pycache__/test_lib.cpython-311.pyc",
    "tests/__init__.py",
    "tests/deep/conftest.py",
    "src/conftest.py",
    "pytest.ini",
    "setup.cfg",
)


def mount(scene: Scene) -> None:
    paths = ["tests/", "**/conftest.py", "pytest.ini", "setup.cfg", ".lfci/"]
    protect = [{"paths": paths, "roles": ["maintainer"]}]
    scene.setup(server_policy=policy_text(rules=({**RULE, "protect": protect},)))
    eve = scene.eve
    base = eve.tip
    for path in scene.some(PROTECTED):
        eve.start(base)
        eve.edit({path: b"import os\nos._exit(0)\n"})
        scene.refused(eve, "main", eve.evidence("HEAD"))
    eve.start(base)
    eve.edit({"src/pytest.py": b"x = 1\n", "sitecustomize.py": b"x = 1\n", "src/__pycache__/lib.pyc": b"x"})
    scene.lands(eve, "main", eve.evidence("HEAD"))
