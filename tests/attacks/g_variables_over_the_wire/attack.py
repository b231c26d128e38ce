"""What a client can send beside its push: protocol parameters, http headers, variables of ssh, push
options.

1. Eve says, by the way that her transport has, GIT_NAMESPACE, GIT_CONFIG_*, GIT_DIR, GIT_OBJECT_DIRECTORY,
   PATH, and push options that ask to be let through.
2. LFCI101 all the same.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "variables sent with a push", expect=("LFCI101",))
VARIABLES = {
    "GIT_NAMESPACE": "other",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": "/dev/null",
    "GIT_QUARANTINE_PATH": "/nowhere",
    "LFCI_SKIP": "1",
}


def mount(scene: Scene) -> None:
    scene.forge.repo.git("config", "receive.advertisePushOptions", "true")
    eve = scene.eve
    options = ["--push-option=lfci.skip=true", "--push-option=GIT_NAMESPACE=x", "--push-option=\x1b[31m"]
    env: dict[str, str] = {}
    if scene.transport == "http":
        for name, value in VARIABLES.items():
            eve.repo.git("config", "--add", "http.extraHeader", f"{name}: {value}")
        eve.repo.git("config", "--add", "http.extraHeader", "Git-Protocol: version=1:GIT_NAMESPACE=x")
    elif scene.transport == "ssh":
        told = " ".join(f"-o SetEnv={name}={value}" for name, value in VARIABLES.items())
        env["GIT_SSH_COMMAND"] = f"{eve.env['GIT_SSH_COMMAND']} {told}"
    else:
        env["GIT_PROTOCOL"] = ":".join(f"{name}={value}" for name, value in VARIABLES.items())
    eve.edit()
    scene.refused(eve, "main", env=env)
    scene.refused(eve, *options, "main", env=env)
    scene.lands(eve, *options, "main", eve.evidence("HEAD"), env=env)
