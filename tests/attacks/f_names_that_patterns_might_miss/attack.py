"""Names below a protected directory that a pattern, a shell or a list of lines reads wrongly.

1. Eve adds to `tests/` files whose names hold a line break, stars, brackets, a leading dash or dot, bytes
   that are no UTF-8, a terminal's escape sequence.
2. LFCI206 for each, and what she reads is plain ASCII on the lines where it belongs.
"""

from tests.attacks.git_objects import commit_with, in_order, items
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "file names that patterns might miss", expect=("LFCI206",))
NAMES = (
    b"a\nb",
    b"\x1b[2J\x1b[1;31mlanded",
    b"\xff\xfe",
    b"*",
    b"[a]",
    b"-rf",
    b".hidden",
    b"a\rb",
    b"{a,b}",
    b" lead",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    tests = items(eve, "HEAD:tests")
    for name in scene.some(NAMES):
        folder = objects.tree(in_order([*tests, ("100644", name, objects.blob(b"x"))]))
        commit = commit_with(eve, ("40000", b"tests", folder))
        pushed = scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
        plain = pushed.output.isascii() and "\x1b" not in pushed.output
        scene.holds(plain, "the gate answers in plain ASCII")
    folder = objects.tree([("100644", NAMES[0], objects.blob(b"x"))])
    commit = commit_with(eve, ("40000", b"docs", folder))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
