"""Names below the inbox that are no inbox refs: they would block others, or be found under two names.

1. Eve delivers good evidence under a name in upper case, too short, with one level more or less, as the
   subject alone (which no other inbox ref of that subject could stand beside), with a sha256 name in a sha1
   repository.
2. LFCI210, or git's own refusal of a name that is none.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "names in the inbox that are none", expect=("LFCI210",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    spec = eve.evidence("HEAD")
    tree, _, ref = spec.partition(":")
    _, subject, name = ref.rsplit("/", 2)
    inbox = "refs/lfci/inbox"
    for other in (
        f"{subject.upper()}/{name}",
        f"{subject}/{name.upper()}",
        f"{subject}/{name[:40]}",
        f"{subject[:39]}/{name}",
        f"{subject}/{name}/x",
        f"x/{subject}/{name}",
        subject,
        name,
        f"{subject}{'0' * 24}/{name}",
        f"{subject}/{name}0",
    ):
        scene.refused(eve, f"{tree}:{inbox}/{other}")
    scene.lands(eve, "main", spec)
