"""The check itself is weakened: another command, no report, fewer inputs, another shell, the network.

1. Eve changes one thing of `.lfci/config.toml` in each commit, with an honest run of what is left.
2. LFCI206 for each: the configuration is protected. Without a report also LFCI109.
3. A maintainer's approval of one of them lets it land.
"""

from tests.attacks.kit import CONFIG, Attack, Scene

ATTACK = Attack("F", "the required check weakened in config.toml", expect=("LFCI206",))
JUNIT = b'report = { format = "junit", path = "junit.xml" }\n'
RUN = b'run = "pytest --junitxml=$out/junit.xml"\n'


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    variations = (
        CONFIG.replace(RUN, b'run = "true"\n'),
        CONFIG + b'inputs = ["src/"]\n',
        CONFIG + b'inputs = ["**", "!tests/"]\n',
        CONFIG + b'shell = "weak"\n',
        CONFIG + b"network = true\n",
        CONFIG + b'env = { PYTEST_ADDOPTS = "-k nothing" }\n',
        CONFIG + b'timeout = "1s"\n',
    )
    for config in scene.some(variations):
        eve.start(base)
        eve.edit({".lfci/config.toml": config})
        scene.refused(eve, "main", eve.evidence("HEAD"))
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
