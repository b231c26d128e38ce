"""The client says which program the server shall run, and with which settings.

1. Eve asks for `git -c core.hooksPath=/dev/null receive-pack`, for upload-archive, and for a shell.
2. The server runs nothing but git-receive-pack: git refuses. (A push through the file system would run it:
   see the threat model.)
3. Her push by the usual way is LFCI101.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "another program on the server", expect=("git",))
PROGRAMS = (
    "git -c core.hooksPath=/dev/null receive-pack",
    "env GIT_NAMESPACE=x git-receive-pack",
    "git-receive-pack --skip-hooks",
    "sh -c 'git receive-pack'",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    if scene.transport != "http":  # a client of http names no program
        for program in PROGRAMS:
            scene.refused(eve, f"--receive-pack={program}", "main")
    scene.refused(eve, "main", code="LFCI101")
    scene.lands(eve, "main", eve.evidence("HEAD"))
