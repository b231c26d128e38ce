"""P5: the snapshot at the start of a session, beside `git status`, in a repository of 80,000 files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import LFCI, Figure, Row, in_turn, median, run
from tests.support.repos import make_repo

FILES = 80_000
CHANGED = 10
ALLOWED = {"clean": 1.0, "dirty": 1.5}


def measure(base: Path) -> Figure:
    repo = make_repo(base / "clone")
    for number in range(FILES):
        place = repo.path / f"src/{number % 400:03}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_bytes(b"%d\n" % number)
    repo.write("flake.nix", b"{ outputs = _: { }; }\n")
    repo.commit("first")
    clone = repo.path

    def start() -> None:
        run([str(LFCI), "session", "start", "--goal", "measure"], clone)

    def end() -> None:
        run([str(LFCI), "session", "end"], clone)

    def status() -> None:
        run(["git", "status", "--porcelain"], clone)

    samples: dict[str, list[float]] = {}
    for state in ALLOWED:
        if state == "dirty":
            for number in range(CHANGED):
                repo.write(f"src/{number:03}/{number}.txt", b"changed %d\n" % number)
        run(["git", "status"], clone)
        timed = in_turn({"git status": status, "session start": start, "(end)": end}, runs=10)
        samples |= {f"{name}, {state}": values for name, values in timed.items() if name != "(end)"}
    rows = []
    for state, allowed in ALLOWED.items():
        peer, ours = median(samples[f"git status, {state}"]), median(samples[f"session start, {state}"])
        what = f"{FILES} files, " + ("nothing changed" if state == "clean" else f"{CHANGED} files changed")
        rows.append(
            Row(
                what,
                "git status",
                peer,
                "lfci session start",
                ours,
                target=f"at most {allowed}",
                met=ours / peer <= allowed,
            )
        )
    return Figure("P5", "snapshot at the start of a session", rows, samples)
