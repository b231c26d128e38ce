"""The disk is full when the fold wants to write the notes.

1. The branch has landed; the fold may write no byte, or only small files. The evidence waits in the
   inbox.
2. With space the next fold has all of it: nothing is lost, nothing is there twice, nothing is left lying
   about.
"""

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import litter, named, noted, recorded

ATTACK = Attack("I", "no space for the fold", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    for size in scene.some((0, 200, 1000, 4000)):
        eve.start()
        commit = eve.edit()
        specs = [eve.run(), eve.run(duration_ms=77)]
        mine = {named(spec) for spec in specs}
        before = noted(forge)
        limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
        scene.python_hook("post-receive", f"import resource\n{limit}")
        pushed = scene.passes(eve, "main", *specs)
        scene.own_hook("post-receive")
        scene.holds("Traceback" not in pushed.output, pushed.output)
        scene.holds(mine <= noted(forge) | set(map(named, forge.waiting())), f"lost with {size} bytes")
        forge.fsck()
        scene.target.settle(forge.path)
        scene.holds(noted(forge) - before == mine, f"not repaired after {size} bytes")
        scene.holds(recorded(forge).get(commit) == 1, "the landing is recorded once")
        scene.holds(not scene.target.waiting(forge.path), "nothing waits")
    scene.holds(not litter(forge), f"left behind: {litter(forge)}")
