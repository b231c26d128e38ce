"""P2: a check that is really run, beside the same command in a bare `nix develop`."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.harness import CACHE, LFCI, Figure, Row, command, in_turn, median, run
from tests.support.world import make_world, pluggy_source, project_flake

NIX = ("nix", "--offline", "--extra-experimental-features", "nix-command flakes")
SUITE = "PYTHONPATH=src python3 -m pytest -q -p no:cacheprovider testing"
ALLOWED_MS = 250


def measure(base: Path) -> Figure:
    clone = project(base)
    shell = [*NIX, "develop", "-i", f"path:{clone}", "-c", "bash", "-euc"]
    # As in a check: else the peer would find the bytecode that its first run left in the working copy.
    suite = f"export PYTHONDONTWRITEBYTECODE=1; {SUITE}"
    flags = ["--force", "--no-attest"]
    samples = in_turn(
        {
            "nix develop: true": command([*shell, "true"], clone),
            "lfci check: true": command([str(LFCI), "check", "nothing", *flags], clone),
            "nix develop: suite": command([*shell, suite], clone),
            "lfci check: suite": command([str(LFCI), "check", "test", *flags], clone),
        },
        runs=10,
    )
    rows = []
    for what, name in (("a command that does nothing", "true"), ("219 tests of pluggy", "suite")):
        bare, ours = median(samples[f"nix develop: {name}"]), median(samples[f"lfci check: {name}"])
        over = ours - bare
        target = f"at most +{ALLOWED_MS} ms; here {over:+.0f} ms"
        rows.append(
            Row(what, "nix develop -i -c", bare, "lfci check", ours, target=target, met=over <= ALLOWED_MS)
        )
    return Figure("P2", "overhead of a fresh run, environment warm", rows, samples)


def project(base: Path) -> Path:
    """pluggy with a flake over the offline world, and no policy: nothing is signed."""
    clone = base / "clone"
    shutil.copytree(pluggy_source(CACHE), clone, symlinks=True)
    nix, lock = project_flake(make_world(CACHE))
    (clone / "flake.nix").write_text(nix)
    (clone / "flake.lock").write_text(lock)
    (clone / ".lfci").mkdir()
    (clone / ".lfci/config.toml").write_text(
        f'version = 1\n\n[checks.nothing]\nrun = "true"\n\n[checks.test]\nrun = "{SUITE}'
        ' --junitxml=$out/junit.xml"\nreport = { format = "junit", path = "junit.xml" }\n'
    )
    run(["git", "init", "-q"], clone)
    run(["git", "add", "-A"], clone)
    run(["git", "commit", "-q", "-m", "first"], clone)
    return clone
