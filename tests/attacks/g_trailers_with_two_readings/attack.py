"""Evidence trailers that git's two readers, and people, see in different places.

1. Eve's messages have the trailer twice, before a `---` line, before a scissors line, continued in a second
   line, in another spelling, in the first paragraph, in the middle, among lines that are none, with
   carriage returns.
2. LFCI409 for each.
"""

from tests.attacks.git_objects import trailer
from tests.attacks.kit import AGENT, Attack, Scene

ATTACK = Attack("G", "trailers with two readings", expect=("LFCI409",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    eve.edit()
    tree, tip = eve.tree("HEAD"), eve.tip
    run, _ = eve.run_of("HEAD")
    line = trailer(eve, eve.bundle(run, AGENT))
    key, _, value = line.partition(": ")
    messages = (
        f"change\n\n{line}\n{line}\n",
        f"change\n\n{line}\n---\nmore\n",
        f"change\n\n{line}\n\n# ------------------------ >8 ------------------------\n",
        f"change\n\n{line}\n continued\n",
        f"change\n\n{key.lower()}: {value}\n",
        f"change\n\n{key} : {value}\n",
        f"{line}\n",
        f"change\n\n{line}\n\nSigned-off-by: Eve <eve@example.com>\n",
        f"change\n\nsome text\n{line}\n",
        f"change\n\n{line}\r\n",
        f"change\n\n{line} x\n",
        f"change\n\n{line}\n# a comment\n",
        f"change\n\n{line}\nConflicts:\n",
        f"change\n\n{key}:\n",
    )
    for message in scene.some(messages, 3):
        commit = objects.commit(tree, tip, message=message.encode())
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence("HEAD"))
    message = f"change\n\nSigned-off-by: Eve <eve@example.com>\n{line}\n"
    commit = objects.commit(tree, tip, message=message.encode())
    scene.lands(eve, f"{commit}:refs/heads/main")
