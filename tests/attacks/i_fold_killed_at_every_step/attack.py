"""kill -9 of post-receive, which folds, before each of its steps; and of the folds that repair it.

1. The branch has landed. Wherever the fold dies, every attestation is in the notes or in the inbox, and
   the next fold has all of it in the notes, once, and the landing recorded, once.
"""

from tests.attacks.i_hook_killed_at_every_step.attack import KILLED
from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import litter, named, noted, recorded, two_hours_later

ATTACK = Attack("I", "kill -9 of the fold at every step", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    stride = 1 if len(scene.some(range(9), 3)) == 9 else 9
    expected = noted(forge)
    alive = scene.place / "alive"  # the fold got to its end
    step = 0
    while not alive.exists():
        step += stride
        eve.start()
        commit = eve.edit()
        specs = [eve.run(), eve.run(duration_ms=step + 10_000)]
        survived = f"import atexit\natexit.register(lambda: open({str(alive)!r}, 'w'))"
        scene.python_hook("post-receive", KILLED.format(step=step) + survived)
        scene.passes(eve, "main", *specs)
        scene.own_hook("post-receive")
        expected |= {named(spec) for spec in specs}
        waiting = {named(ref) for ref in forge.waiting()}
        scene.holds(expected <= noted(forge) | waiting, f"lost at step {step}")
        scene.target.settle(forge.path)
        scene.holds(noted(forge) == expected, f"not repaired after step {step}")
        scene.holds(recorded(forge).get(commit) == 1, f"recorded once after step {step}")
        scene.holds(not forge.waiting(), f"evidence waits after step {step}")
    scene.holds(step > 5, "it was killed at no step")
    two_hours_later(forge)
    scene.holds(not litter(forge), f"left behind: {litter(forge)}")
    forge.fsck()
