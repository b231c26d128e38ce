"""The disk is full, or a quota is reached, when the gate wants to write down what it accepts.

1. The hook may write no byte (RLIMIT_FSIZE): LFCI502, nothing moves: a landing that cannot be recorded
   does not happen.
2. With space the same push lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("I", "no space for the journal", expect=("LFCI502",), gateless=False, quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    spec = eve.run()
    code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    scene.python_hook("pre-receive", code)
    scene.refused(eve, "main", spec)
    scene.own_hook("pre-receive")
    scene.lands(eve, "main", spec)
