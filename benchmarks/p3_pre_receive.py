"""P3: a push of one commit with one required check, with and without the gate, and with much landed.

The gate's own notes are filled with evidence of other trees, as that many landings leave it. What
`post-receive` does (the fold) is timed apart: the push has been accepted by then.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.harness import Figure, Row, Timed, in_turn, median, run
from lfci_gate.gate.facts import NOTES_REF
from lfci_gate.git.commit import Commit, Identity, format_commit
from lfci_gate.git.notes import updated_notes_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import read_ref, update_refs
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId
from tests.support.evidence import CHECK_RUN, oid
from tests.support.forge import AGENT, Developer, Forge, first_landing, git_daemon, new_forge
from tests.support.statements import bundle

RUNS = 12
LANDED = (0, 100, 1_000, 10_000)
TARGET_MS, TARGET_PUSH_MS = 80, 29
"""+80 ms where a push without hooks takes 29: that ratio is the target on any machine."""
HOOKS = {"pre-receive": ("pre-receive",), "both hooks": ("pre-receive", "post-receive")}


def measure(base: Path) -> Figure:
    rows: list[Row] = []
    samples: dict[str, list[float]] = {}
    new_forge(base / "template.git")
    developer = Developer(base / "clone", Forge(base / "template.git", str(base / "template.git")))
    first_landing(developer)
    pushes = [one_push(developer) for _ in range(RUNS + 1)]
    with git_daemon(base) as url:
        timed = {"no gate": pushing(developer, forge(base, "plain", ()), url, pushes)}
        for landed in LANDED:
            for name, hooks in (
                ("pre-receive", ("pre-receive",)),
                ("both hooks", ("pre-receive", "post-receive")),
            ):
                path = forge(base, f"{landed}-{len(hooks)}", hooks, landed)
                timed[f"{name}, {landed} landed"] = pushing(developer, path, url, pushes)
        samples = in_turn(timed, RUNS)
    bare = median(samples["no gate"])
    allowed = 1 + TARGET_MS / TARGET_PUSH_MS
    for landed in LANDED:
        ours = median(samples[f"pre-receive, {landed} landed"])
        both = median(samples[f"both hooks, {landed} landed"])
        bound = f"at most {allowed:.2f} (+{TARGET_MS} ms where a push takes {TARGET_PUSH_MS})"
        rows.append(
            Row(
                f"{landed} attestations landed before",
                "git push, no hook",
                bare,
                "with pre-receive",
                ours,
                target=f"{bound}; here {ours - bare:+.0f} ms",
                met=ours / bare <= allowed,
            )
        )
        rows.append(Row("    and folded by post-receive", "git push, no hook", bare, "with both hooks", both))
    return Figure("P3", "pre-receive: one commit, one required check, over git daemon", rows, samples)


def one_push(developer: Developer) -> list[str]:
    """Refspecs of one more commit and its evidence."""
    commit = developer.edit()
    return [f"{commit}:refs/heads/main", developer.evidence(commit)]


def pushing(developer: Developer, path: Path, url: str, pushes: list[list[str]]) -> Timed:
    """Each call makes the next of the same pushes to one forge."""
    following: Iterator[list[str]] = iter(pushes)
    target = f"{url}/{path.name}"
    return lambda: run(["git", "push", "-q", target, *next(following)], developer.repo.path)


def forge(base: Path, name: str, hooks: tuple[str, ...], landed: int = 0) -> Path:
    """A copy of the forge with the first landing, these of its hooks, and so much evidence in its notes."""
    path = base / f"{name}.git"
    shutil.copytree(base / "template.git", path)
    for hook in ("pre-receive", "post-receive"):
        if hook not in hooks:
            (path / "hooks" / hook).unlink()
    if landed:
        fill(Git(path), landed)
    return path


def fill(git: Git, count: int) -> None:
    """Puts ``count`` attestations of other trees into the notes, packed as `git gc` leaves them."""
    with BatchReader(git) as source:
        held = read_ref(git, NOTES_REF)
        writer = PackWriter(git)
        changes = {}
        for number in range(count):
            tree = ObjectId(oid(f"landed {number}"))
            changes[tree] = bundle(replace(CHECK_RUN, inputs_tree=tree), AGENT) + b"\n"
        notes = updated_notes_tree(source, None, changes, writer.add)
        who = Identity(b"bench", b"bench@example.org", 1767268800, b"+0000")
        commit = writer.add("commit", format_commit(Commit(notes, (), who, who, b"filled\n")))
        writer.flush()
    update_refs(git, [(NOTES_REF, held, commit)])
    run(["git", "repack", "-a", "-d", "-q"], git.directory)
