"""A second run under other settings: what it changes, what it leaves, and that only `--twice` makes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.engines import conditions
from lfci_gate.engines.conditions import NORMAL, Conditions, Measured, other_than
from lfci_gate.engines.junit import junit_seconds
from lfci_gate.engines.outcome import RunResult
from lfci_gate.errors import Undecided
from lfci_gate.model import Engine, Outcome, Sha256
from tests.support.world_project import JUNIT, NO_MEMORY, Project, definition, runs_programs_in_memory

LOOK = """
nproc; echo $NIX_BUILD_CORES; hostname; python3 -c 'import os; print(*os.listdir("dir"))'; bash -c 'echo $$'
echo "$LC_ALL $TZ $(id -u) $(pwd) $SHLVL $HOME $TMPDIR"; env | grep -v -e ^NIX_BUILD_CORES= | sort
getent=$(python3 -c 'import socket; print(socket.gethostbyname(socket.gethostname()))'); echo $getent
ln dir/a linked && mv linked $TMPDIR/ && dir/run && sleep 0
printf %s '<testsuite><testcase name="one" time="1.5"/></testsuite>' > $out/junit.xml
"""
NAMES = [f"name{number}" for number in range(12)]


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    made = make_project()
    made.write({f"dir/{name}": name for name in ["a", *NAMES]} | {"dir/run": "#!/bin/sh\necho ran\n"})
    (made.place / "dir/run").chmod(0o755)
    return made


def seen(project: Project, engine: Engine, settings: Conditions) -> tuple[list[str], RunResult]:
    result = project.run(definition(LOOK, report=JUNIT), engine=engine, conditions=settings)
    assert result.outcome is Outcome.PASSED, (result, project.heard.output)
    return project.heard.output.decode().splitlines(), result


def test_another_world_in_the_develop_engine(project: Project) -> None:
    """What may vary does, what may not does not, and the result is the same one of the same derivation."""
    before = os.sched_getaffinity(0)
    usual, first = seen(project, Engine.DEVELOP, NORMAL)
    settings, same = other_than(first.measured, Engine.DEVELOP)
    in_memory = runs_programs_in_memory()
    assert same == (() if in_memory else (NO_MEMORY,))
    assert settings.scratch == (Path("/dev/shm") if in_memory else None)
    other, second = seen(project, Engine.DEVELOP, settings)
    assert usual[:2] == [str(len(before))] * 2
    assert other[:2] == ["1", "1"]
    assert (usual[2], other[2]) == ("localhost", "elsewhere")
    assert (usual[3] != other[3]) is in_memory
    assert sorted(usual[3].split()) == sorted(other[3].split()) == sorted(["a", *NAMES, "run"])
    assert int(other[4]) - int(usual[4]) > 100
    # Locale, user, places, every variable but the number of cores; and that names resolve.
    assert usual[5:] == other[5:]
    assert usual[5].startswith("C.UTF-8 UTC 1000 /build/source ")
    assert usual[-2:] == ["127.0.0.1", "ran"]
    assert (first.result, first.drv_path, first.counts) == (second.result, second.drv_path, second.counts)
    assert first.measured is not None
    assert second.measured is not None
    assert (first.measured.order != second.measured.order) is in_memory
    assert first.measured.seconds == second.measured.seconds == {"one": 1.5}
    assert os.sched_getaffinity(0) == before
    assert list(Path("/dev/shm").glob(f"lfci-run-{os.getpid()}-*")) == []


def test_one_processor_in_the_build_engine(project: Project) -> None:
    usual, first = seen(project, Engine.BUILD, NORMAL)
    settings, same = other_than(first.measured, Engine.BUILD)
    assert settings == Conditions(one_processor=True)
    assert len(same) == 1
    other, second = seen(project, Engine.BUILD, settings)
    assert (usual[1], other[1]) == (str(len(os.sched_getaffinity(0))), "1")
    assert other[2] == usual[2] == "localhost"
    assert first.result == second.result
    assert first.measured == second.measured == Measured(None, None, {"one": 1.5})


def test_a_run_that_nobody_compares_is_not_measured(project: Project) -> None:
    assert project.run("true").measured is None


def test_what_cannot_vary_here_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small, order = Measured(1 << 20, Sha256("0" * 64), {}), "order of directory entries: "
    usable = conditions._is_usable
    monkeypatch.setattr(conditions, "_is_usable", lambda need: need == (4 << 20) + (512 << 20))
    assert other_than(small, Engine.DEVELOP) == (Conditions(True, Path("/dev/shm"), "elsewhere", 137), ())
    # Nothing known of the first run, or too much.
    for first in (None, Measured(513 << 20, None, {})):
        settings, same = other_than(first, Engine.DEVELOP)
        assert settings == Conditions(True, None, "elsewhere", 137)
        assert same == (f"{order}the run needs more than 512 MiB",)
    monkeypatch.setattr(conditions, "_is_usable", usable)
    monkeypatch.setattr(conditions, "_MEMORY", tmp_path)  # no file system of its own there
    settings, same = other_than(small, Engine.DEVELOP)
    assert (settings.scratch, len(same)) == (None, 1)
    assert same[0].startswith(f"{order}{tmp_path} has no room")
    monkeypatch.undo()
    monkeypatch.setattr(conditions, "free_bytes", lambda _place: (516 << 20) - 1)
    assert other_than(small, Engine.DEVELOP)[0].scratch is None
    monkeypatch.setattr(conditions, "free_bytes", lambda _place: 516 << 20)
    assert other_than(small, Engine.DEVELOP)[0].scratch is not None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    assert other_than(small, Engine.DEVELOP)[1] == ("processors: this machine lets lfci use one only",)


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ('<testcase name="a" time="0.25"/><testcase name="b"/>', {"a": 0.25}),
        ('<testcase name="a" time="1"/><testcase name="a" time="1,000.5"/>', {"a": 1001.5}),
        ('<testcase name="a" time="-1"/><testcase name="b" time="inf"/><testcase name="c" time="x"/>', {}),
        ('<testcase name="a" time="nan"/><testcase classname="s" name="b" time="0"/>', {"s::b": 0.0}),
    ],
)
def test_durations_of_a_report(cases: str, expected: dict[str, float]) -> None:
    assert junit_seconds(f"<testsuite>{cases}</testsuite>".encode()) == expected


def test_durations_of_no_report() -> None:
    with pytest.raises(Undecided, match="malformed"):
        junit_seconds(b"<testsuite>")
