"""A trailer that is one only after git has re-encoded the message, and one that git then shows as something
else.

1. Eve's message says `encoding UTF-7`, or UTF-16, in which an evidence trailer is spelled: git log shows
   the trailer.
2. It is no trailer in the commit's bytes: LFCI101.
3. The same bytes in the message of a commit with an encoding header land, when they are a trailer as they
   are.
"""

from tests.attacks.git_objects import trailer
from tests.attacks.kit import AGENT, Attack, Scene

ATTACK = Attack("G", "a trailer in another encoding", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    eve.edit()
    tree, tip = eve.tree("HEAD"), eve.tip
    run, _ = eve.run_of("HEAD")
    line = trailer(eve, eve.bundle(run, AGENT))
    seven = b"change\n\n+AEw-fci-Attestation: " + line.partition(": ")[2].encode() + b"\n"
    commit = objects.commit(tree, tip, message=seven, extra=b"encoding UTF-7\n")
    scene.refused(eve, f"{commit}:refs/heads/main")
    swapped = f"change\n\n{line}\n".encode("cp037")
    commit = objects.commit(tree, tip, message=swapped, extra=b"encoding IBM037\n")
    scene.refused(eve, f"{commit}:refs/heads/main")
    message = f"change\n\n{line}\n".encode()
    commit = objects.commit(tree, tip, message=message, extra=b"encoding UTF-7\n")
    scene.lands(eve, f"{commit}:refs/heads/main")
