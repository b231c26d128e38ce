"""kill -9 of the pre-receive hook before each of its steps: processes started, files renamed, locks taken.

1. Wherever it dies: the push is refused, and main stays. The same push then lands, is recorded once, and
   what the dead hook left is gone.
"""

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import litter, recorded, two_hours_later

ATTACK = Attack("I", "kill -9 of the hook at every step", gateless=False, quick=True)
KILLED = """
import os, signal
left = {step}
def hook(event, args):
    global left
    if event in ("subprocess.Popen", "os.rename", "os.remove", "os.mkdir", "fcntl.flock", "open"):
        if event == "open" and not (isinstance(args[0], str) and "/lfci/" in args[0]):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    eve.edit()
    step = 0
    stride = 1 if len(scene.some(range(9), 3)) == 9 else 9
    killed = True
    while killed:
        step += stride
        main = forge.refs()["refs/heads/main"]
        eve.start(main)
        commit = eve.edit()
        spec = eve.run()
        scene.python_hook("pre-receive", KILLED.format(step=step))
        pushed = eve.push("-q", "origin", "main", spec)
        scene.own_hook("pre-receive")
        killed = pushed.status != 0
        now = forge.refs()
        scene.gone(not killed or now["refs/heads/main"] == main, f"main moved at step {step}")
        scene.holds(not killed or spec.partition(":")[2] not in now, f"evidence arrived at step {step}")
        if killed:
            scene.passes(eve, "main", spec)
            scene.target.settle(forge.path)
        scene.holds(recorded(forge).get(commit) == 1, f"recorded once after step {step}")
    scene.holds(step > 3, "it was killed at no step")
    two_hours_later(forge)
    scene.holds(not litter(forge), f"left behind: {litter(forge)}")
    forge.fsck()
