"""An inbox ref is named after a tree or an id that its content is not about, so that it is found where it
does not belong.

1. Evidence of another tree under this tree's name: LFCI210. Under another id: LFCI210, also where the
   tree is its own. Under a name that is no id, nested, or with capitals: LFCI210.
2. In its own place it lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "an inbox ref in a place of another", expect=("LFCI101", "LFCI210"), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    other = eve.run()
    eve.edit()
    mine = eve.run()
    tree, _, ref = other.partition(":")
    subject, identifier = ref.split("/")[-2:]
    right, name = mine.split("/")[-2:]
    inbox = "refs/lfci/inbox"
    for place in scene.some(
        [
            f"{right}/{identifier}",
            f"{right}/{name}",
            f"{right}/{'0' * 64}",
            f"{right}/{identifier.upper()}",
            f"{right}/{identifier}/x",
            f"{right[:39]}/{identifier}",
            f"{subject}{right}/{identifier}",
        ],
        3,
    ):
        scene.refused(eve, "main", f"{tree}:{inbox}/{place}")
    own = mine.partition(":")[0]
    for other_name in ("0" * 64, identifier):
        scene.refused(eve, "main", f"{own}:{inbox}/{right}/{other_name}")
    scene.lands(eve, "main", mine)
