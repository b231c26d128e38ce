"""One person breaks the glass alone: with one key, with two keys of one identity, with an agent or a
stranger beside.

1. Each: LFCI101 and LFCI218, it does not count.
2. Two maintainers land the unchecked change.
"""

from tests.attacks.glass import SECOND_KEY, bypass, with_glass
from tests.attacks.kit import AGENT, MAINTAINER, STRANGER, Attack, Scene

ATTACK = Attack("A", "break-glass by one person", expect=("LFCI101", "LFCI218"), quick=True)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=with_glass())
    eve = scene.eve
    eve.edit()
    alone = ((MAINTAINER, SECOND_KEY), (MAINTAINER,), (MAINTAINER, AGENT), (MAINTAINER, STRANGER))
    for signers in scene.some([*alone, (MAINTAINER, MAINTAINER)]):
        scene.refused(eve, "main", bypass(eve, *signers))
    scene.lands(eve, "main", bypass(eve))
