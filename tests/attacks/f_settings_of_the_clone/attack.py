"""What the pusher's own git and environment are told changes nothing on the forge.

1. Eve sets lfci.policy, lfci.timeBudget, lfci.key and core.hooksPath in her clone, and GIT_* and LFCI_*
   variables.
2. Her push without evidence is LFCI101 with each, as it is with `--no-verify`.
"""

from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("F", "settings and variables of the pusher", expect=("LFCI101",))
VARIABLES = {
    "LFCI_POLICY": "weak.toml",
    "LFCI_SKIP": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": "/dev/null",
    "GIT_PUSH_OPTION_COUNT": "1",
    "GIT_PUSH_OPTION_0": "lfci.skip",
    "GL_USERNAME": "root",
    "REMOTE_USER": "root",
}


def mount(scene: Scene) -> None:
    eve = scene.eve
    weak = eve.repo.write("weak.toml", policy_text(version=9, rules=()))
    for name, value in {
        "lfci.policy": str(weak),
        "lfci.timeBudget": "60",
        "lfci.skip": "true",
        "core.hooksPath": "/dev/null",
        "receive.fsckObjects": "false",
    }.items():
        eve.repo.git("config", name, value)
    eve.edit()
    scene.refused(eve, "main")
    scene.refused(eve, "--no-verify", "main", env=VARIABLES)
    scene.lands(eve, "main", eve.evidence("HEAD"), env=VARIABLES)
