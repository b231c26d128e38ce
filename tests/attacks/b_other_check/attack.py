"""Evidence of a check that passes easily stands for the one that is required.

1. A run of `lint` where `test` is required: LFCI101. It names `test` and has lint's definition: LFCI106.
2. A run of `test` lands.
"""

from tests.attacks.kit import CONFIG, Attack, Scene

ATTACK = Attack("B", "evidence of another check", expect=("LFCI101",))
TWO = CONFIG + b'\n[checks.lint]\nrun = "true"\nreport = { format = "tap" }\n'


def mount(scene: Scene) -> None:
    scene.setup(config=TWO)
    eve = scene.eve
    eve.edit()
    lint, _ = eve.run_of("HEAD", "lint")
    scene.refused(eve, "main", eve.run(check="lint"))
    scene.refused(eve, "main", eve.run(definition=lint.definition), code="LFCI106")
    scene.lands(eve, "main", eve.run())
