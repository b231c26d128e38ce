"""The pushed tree does not declare the required check, declares another of that name, or has no
configuration.

1. Eve renames the check, removes it, removes the file, makes it a folder: LFCI406, LFCI404, LFCI401; with
   LFCI206, for the configuration is protected.
2. The evidence of the check as it was does not help.
"""

from tests.attacks.git_objects import commit_with, items
from tests.attacks.kit import CONFIG, MAIN, Attack, Scene

ATTACK = Attack("C", "the required check is not declared", expect=("LFCI206", "LFCI406"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    policy = next(each for each in items(eve, "HEAD:.lfci") if each[1] == b"policy.toml")
    run = eve.evidence("HEAD")
    other = CONFIG.replace(b"checks.test", b"checks.tests")
    for config, code in (
        ([("100644", b"config.toml", objects.blob(other))], ("LFCI206", "LFCI406")),
        ([("100644", b"config.toml", objects.blob(b"version = 1\n"))], ("LFCI206", "LFCI406")),
        ([("100644", b"Config.toml", objects.blob(CONFIG))], ("LFCI206", "LFCI404")),
        ([], ("LFCI206", "LFCI404")),
        ([("40000", b"config.toml", objects.files({"x": CONFIG}))], ("LFCI206", "LFCI401")),
    ):
        lfci = objects.tree(sorted([*config, policy], key=lambda each: each[1]))
        commit = commit_with(eve, ("40000", b".lfci", lfci))
        scene.refused(eve, f"{commit}:{MAIN}", run, code=code)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
