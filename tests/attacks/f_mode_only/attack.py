"""A protected file keeps its content and changes its mode: a script that is run, a file that is not.

1. Eve makes a protected test executable: LFCI206.
2. An unprotected file may become executable.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "only the mode of a protected file changes", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    (eve.path / TEST_FILE).chmod(0o755)
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD"))
    eve.start(base)
    (eve.path / "src/lib.py").chmod(0o755)
    eve.repo.commit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
