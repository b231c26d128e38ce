"""A config.toml that is large, deep, of many checks, of one key with a hundred thousand dots.

1. Eve pushes each: LFCI405 with LFCI206, or LFCI412 for what is too large.
"""

from tests.attacks.kit import CONFIG, Attack, Scene

ATTACK = Attack("H", "config.toml that is large or deep", expect=("LFCI206", "LFCI405"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    checks = b"".join(b'[checks.c%d]\nrun = "true"\n' % number for number in range(65))
    for config, code in (
        (CONFIG + checks, "LFCI405"),
        (CONFIG + b"x = " + b"[" * 5000 + b"]" * 5000 + b"\n", "LFCI405"),
        (CONFIG + b"x = " + b"{a = " * 5000 + b"1" + b"}" * 5000 + b"\n", "LFCI405"),
        (CONFIG + b"a" + b".a" * 100_000 + b" = 1\n", "LFCI405"),
        (CONFIG + b'x = """' + b'"\\\n' * 20_000 + b'"""\n', "LFCI405"),
        (CONFIG + b"x = " + b"9" * 100_000 + b"\n", "LFCI405"),
        (CONFIG + b"#" * 300_000, "LFCI412"),
    ):
        eve.start(base)
        eve.repo.write(".lfci/config.toml", config)
        eve.repo.commit()
        scene.refused(eve, "main", code=("LFCI206", code))
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
