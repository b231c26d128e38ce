"""P1: `lfci check` when the result is known, in a repository of 2,000 files."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.harness import LFCI, Figure, Row, command, in_turn, median, run
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.system import current_system
from tests.support.forge import AGENT, Developer, Forge, first_landing, new_forge

FILES = 2000
TARGET_MS, TARGET_FLOOR_MS = 80, 12
"""80 ms where a bare Python takes 12: that ratio is the target on any machine."""

NO_OP = """\
repos:
- repo: local
  hooks:
  - {id: none, name: none, language: system, entry: "true", types: [python]}
"""


def measure(base: Path) -> Figure:
    clone = project(base)
    python = [sys.executable, "-I", "-c", "pass"]
    check = [str(LFCI), "check"]
    if b"known" not in run(check, clone):
        raise SystemExit("the result is not known, so this would not be P1")
    samples = in_turn(
        {
            "bare Python": command(python, clone),
            "lfci check": command(check, clone),
            "git status": command(["git", "status", "--porcelain"], clone),
            "pre-commit run (no-op)": command(["pre-commit", "run"], clone),
        },
        runs=25,
    )
    floor, ours = median(samples["bare Python"]), median(samples["lfci check"])
    allowed = TARGET_MS / TARGET_FLOOR_MS
    rows = [
        Row(
            f"a known result, {FILES} files",
            "python -I -c pass",
            floor,
            "lfci check",
            ours,
            target=f"at most {allowed:.1f} ({TARGET_MS} ms where Python takes {TARGET_FLOOR_MS})",
            met=ours / floor <= allowed,
        ),
        *(
            Row(what, name, median(samples[name]), "lfci check", ours)
            for what, name in (
                ("what git takes to look alone", "git status"),
                ("a hook framework that has nothing to do", "pre-commit run (no-op)"),
            )
        ),
    ]
    return Figure("P1", "known result", rows, samples)


def project(base: Path) -> Path:
    """A clone of a forge, with evidence of its tip stored as `lfci check` stores it."""
    new_forge(base / "forge.git")
    developer = Developer(base / "clone", Forge(base / "forge.git", str(base / "forge.git")))
    first_landing(developer)
    for number in range(FILES):
        developer.repo.write(f"src/{number % 50}/{number}.py", b"%d\n" % number)
    developer.repo.write(".pre-commit-config.yaml", NO_OP.encode())
    developer.repo.commit("files")
    statement, document = developer.run_of("HEAD", system=current_system())
    store_evidence(developer.repo.tool, developer.bundle(statement, AGENT), document)
    # As a clone that has worked a while: the index knows all files, and they are older than it.
    run(["git", "fetch", "-q", "origin"], developer.repo.path)
    run(["git", "update-index", "--refresh"], developer.repo.path)
    return developer.repo.path
