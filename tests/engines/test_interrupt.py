"""Interrupted runs: everything is killed and cleaned up, and nothing is concluded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.engines.scratch import interruptible, remove_tree, run_directory
from lfci_gate.errors import Undecided
from lfci_gate.model import Engine
from tests.support.world_project import Project, left_behind, processes_with


def once(what: Callable[[], bool], do: Callable[[], None]) -> threading.Thread:
    """Does something as soon as something is so."""

    def wait() -> None:
        deadline = time.monotonic() + 30
        while not what() and time.monotonic() < deadline:
            time.sleep(0.02)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def sleeping(seconds: str) -> bool:
    """Whether the command runs (its text is also in what evaluates it)."""
    return any(command.startswith(f"sleep {seconds}") for command in processes_with(seconds))


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_is_undecided_and_leaves_nothing(
    project: Project, number: signal.Signals, engine: Engine
) -> None:
    marker = f"{int(number)}{engine is Engine.BUILD:d}00{os.getpid()}"
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    thread = once(lambda: sleeping(marker), lambda: os.kill(os.getpid(), number))
    with pytest.raises(Undecided) as error:
        project.run(f"trap '' INT TERM HUP; sleep {marker}", engine=engine)
    thread.join()
    assert error.value.code == "LFCI314"
    assert processes_with(marker) == []
    assert left_behind() == []
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_an_interrupted_evaluation_is_undecided_and_leaves_nothing(
    make_project: Callable[..., Project],
) -> None:
    forever = "let count = n: if n == 0 then { } else count (n - 1); in count 1000000000"
    project = make_project(forever)
    ours = f"lfci-run-{os.getpid()}-"

    def evaluating() -> bool:
        return any("nix eval" in command for command in processes_with(ours))

    thread = once(evaluating, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(Undecided) as error:
        project.run("true")
    thread.join()
    assert error.value.code == "LFCI314"
    assert left_behind() == []


def test_a_killed_parent_leaves_no_process_and_no_directory(project: Project, tmp_path: Path) -> None:
    """SIGKILL gives no chance to clean up: the supervisor notices and does it."""
    project.tree()
    marker = f"99000{os.getpid()}"
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from pathlib import Path\n"
        "from tests.support.world_project import Project\n"
        "project = Project.__new__(Project)\n"
        f"project.place, project.work = Path({str(project.place)!r}), Path({str(project.work)!r})\n"
        "project.cas = None\n"
        f"project.run('sleep {marker}')\n"
    )
    child = subprocess.Popen([sys.executable, str(script)])
    name = f"lfci-run-{child.pid}-"
    thread = once(lambda: sleeping(marker), child.kill)
    child.wait()
    thread.join()
    assert child.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60

    def remains() -> list[str]:
        places = [path for top in (project.work, Path("/var/tmp")) for path in top.glob(f"{name}*")]
        return processes_with(marker) + [str(place) for place in places]

    while remains() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert remains() == []


def test_signals_that_are_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_tree_is_removed_without_following_links(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    top = tmp_path / "top"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "link").symlink_to(kept)
    (top / "link").symlink_to(kept)
    (top / "a" / "b").chmod(0)
    remove_tree(top)
    assert not top.exists()
    assert (kept / "file").read_text() == "x"


def test_the_next_run_removes_what_a_killed_one_left(project: Project, tmp_path: Path) -> None:
    with run_directory(tmp_path / "work") as alive:
        work = alive.parent  # as root, a place that others can reach
        stale = work / "lfci-run-0-stale"
        stale.mkdir()
        (stale / "lock").touch()
        (stale / "build").mkdir()
        with run_directory(work):
            assert not stale.exists()
            assert alive.exists()
    assert not alive.exists()


_MANY_RUNS = """
import sys
from pathlib import Path
from lfci_gate.engines.scratch import run_directory
for number in range(25):
    with run_directory(Path(sys.argv[1])) as place:
        for name in ("build", "etc"):
            (place / name / "deep").mkdir(parents=True)
"""


def test_runs_that_begin_and_end_at_once_leave_each_other_s_directories_alone(tmp_path: Path) -> None:
    """Each looks for what killed runs left, and must take no living one's directory for that."""
    runs = [
        subprocess.Popen([sys.executable, "-c", _MANY_RUNS, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [run.communicate()[1].decode()[-500:] for run in runs] == [""] * 4
    assert list(tmp_path.iterdir()) == []
