"""kill -9 of git receive-pack itself while the gate judges: the hook goes on alone, and git never moves the
ref.

1. Main stays; no landing is recorded.
2. The same push lands, and is recorded once: what the hook let through meanwhile, and of which git has kept
   not even the objects, is in nobody's way.
"""

import time

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import recorded

ATTACK = Attack("I", "kill -9 of receive-pack during the verdict", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    commit = eve.edit()
    spec = eve.run()
    main = forge.refs()["refs/heads/main"]
    done = forge.path / "hook-has-ended"
    # the hook's parent is the measuring wrapper, whose parent is receive-pack
    kill = "kill -9 $(ps -o ppid= -p $PPID)"
    scene.hook("pre-receive", f'{kill}\n"$HOOK"\ntouch {done}')
    pushed = eve.push("-q", "origin", "main", spec)
    scene.own_hook("pre-receive")
    scene.holds(pushed.status != 0, "the client was told that it landed")
    until = time.monotonic() + 20
    while not done.exists() and time.monotonic() < until:
        time.sleep(0.02)
    scene.holds(done.exists(), "the hook has ended")
    done.unlink()
    scene.gone(forge.refs()["refs/heads/main"] == main, "main moved")
    forge.repo.git("gc", "-q", "--prune=now")  # what a killed git leaves, git's own gc removes
    scene.holds(not list(forge.path.glob("objects/tmp_objdir-*")), "the quarantine is left")
    scene.target.settle(forge.path)
    scene.holds(commit not in recorded(forge), "a landing is recorded that was none")
    scene.passes(eve, "main", spec)
    scene.target.settle(forge.path)
    scene.holds(recorded(forge).get(commit) == 1, "recorded once")
