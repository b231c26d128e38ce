"""Refs that show as the protected one, with letters in them that show nothing.

1. Eve pushes main with a zero-width space, a soft hyphen, a variation selector, a tag character, a Hangul
   filler, the empty Braille pattern, a line separator, a reserved format character.
2. LFCI211 for each, and what she reads is plain ASCII.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "letters in a ref that show nothing", expect=("LFCI211",))
LETTERS = (
    "\u200b", "\u00ad", "\ufe0f", "\U000e0061", "\u3164", "\u2800", "\u2028", "\u2065", "\u202e", "\u00a0",
)  # fmt: skip


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for letter in scene.some(LETTERS):
        pushed = scene.refused(eve, f"HEAD:refs/heads/ma{letter}in")
        said = [line for line in pushed.output.splitlines() if line.startswith("remote:")]
        scene.holds("".join(said).isascii(), "the gate answers in ASCII")
    scene.passes(eve, "HEAD:refs/heads/topic")
