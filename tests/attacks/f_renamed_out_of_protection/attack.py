"""Protected files are moved to where nobody protects them, so that they are changed there.

1. Eve renames `tests/` to `checks/` without changing a byte: LFCI206.
2. She moves one file of it into a folder that the protection leaves out: LFCI206.
3. She copies the tests and leaves the protected ones: that lands.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "protected files renamed", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    protect = [{"paths": ["tests/", "!tests/data/", ".lfci/"], "roles": ["maintainer"]}]
    scene.setup(server_policy=policy_text(rules=({**RULE, "protect": protect},)))
    eve = scene.eve
    base = eve.tip
    for target in ("checks/test_lib.py", "tests/data/test_lib.py", "tests2/test_lib.py"):
        eve.start(base)
        (eve.path / target).parent.mkdir(parents=True, exist_ok=True)
        eve.repo.git("mv", TEST_FILE, target)
        eve.edit()
        scene.refused(eve, "main", eve.evidence("HEAD"))
    eve.start(base)
    eve.edit({"checks/test_lib.py": b"pass\n", "tests/data/x": b"x"})
    scene.lands(eve, "main", eve.evidence("HEAD"))
