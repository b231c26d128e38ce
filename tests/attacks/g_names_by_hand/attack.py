"""Names of refs that git's client would not send: HEAD, no UTF-8, control characters, no name at all, a
path.

1. Eve sends by hand updates of HEAD, `main`, refs/heads/main with a line break, a space, an escape
   sequence, bytes that are no UTF-8, `..`, a trailing slash and dot, `.lock`; a name of 2,000 bytes, and a
   part of 251.
2. LFCI211 for each, or git's own refusal; what she reads is plain ASCII.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "ref names sent by hand", expect=("LFCI211",))
NAMES = (
    b"HEAD",
    b"main",
    b"refs/heads/main ",
    b"refs/heads/main\x1b[31m",
    b"refs/heads/main\x7f",
    b"refs/heads/\xff\xfe",
    b"refs/heads/../../hooks/pre-receive",
    b"refs/heads/ma..in",
    b"refs/heads/ma\x1bin",
    b"refs/heads/main/",
    b"refs/heads/main.",
    b"refs/heads/main.lock",
    b"refs/heads/.main",
    b"refs/heads/ma*in",
    b"refs/heads/x@{1}",
    b"refs/heads/" + b"x/" * 1000 + b"x",
    b"refs/heads/" + b"x" * 251,
    b"refs/heads//main",
    b"/refs/heads/main",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    commit = eve.edit()
    pack = scene.pack_for(eve, commit, have=[eve.tip])
    for name in scene.some(NAMES, 4):
        pushed = scene.refused_raw(eve, [(scene.zero, commit, name)], pack)
        said = [line for line in pushed.output.splitlines() if not line.startswith(("ng ", "unpack "))]
        plain = "".join(said).isascii() and "\x1b" not in "".join(said)
        scene.holds(plain, "the gate answers in plain ASCII")
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
