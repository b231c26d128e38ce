"""What versions of Nix say, recorded (tests/golden/nix), read as it is meant."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.errors import Refusal
from lfci_gate.nix.derivation import derive
from lfci_gate.nix.process import Nix, NixVersion
from lfci_gate.nix.realise import Realised, realise
from tests.support.record_nix import CASES
from tests.support.world_project import definition

GOLDEN = Path(__file__).parents[1] / "golden/nix"
VERSIONS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())

MEANT: dict[str, dict[str, Any]] = {
    "passed": {"ran": True, "how": "exit", "exit_code": None},
    "failed": {"ran": True, "how": "exit", "exit_code": 3},
    "signal": {"ran": True, "how": "exit", "exit_code": 128 + 9},
    "differs": {"ran": True, "how": "exit", "exit_code": None},
    "equal": {"ran": True, "how": "exit", "exit_code": None, "differs": None},
    "not-built-before": {"ran": False, "how": "exit", "exit_code": None},
    # The builder that failed was another derivation's.
    "needs-what-fails": {"ran": False, "how": "exit", "exit_code": None},
    "timeout": {"ran": True, "how": "timeout", "exit_code": None},
    "too-much-output": {"ran": True, "how": "output", "exit_code": None},
}
LINES = {
    "passed": [b"one\n", b"two\tthree\n"],
    "failed": [b"one\n", b"> failed with exit code 7\n"],
    "not-built-before": [],
    "needs-what-fails": [],
}


@pytest.fixture(params=VERSIONS)
def golden(request: pytest.FixtureRequest) -> Path:
    return GOLDEN / str(request.param)


def replay(golden: Path, case: str, place: Path) -> Nix:
    """A Nix that says what was recorded, whatever it is asked."""
    told = json.loads((golden / f"{case}.json").read_text())
    programs = place / "programs"
    programs.mkdir()
    for name in ("nix", "nix-store"):
        (programs / name).write_text(
            f'#!/bin/sh\nif [ "$1" = --version ]; then exec cat {shlex.quote(str(golden / "version"))}; fi\n'
            f"cat {shlex.quote(str(golden / case))}.log >&2; exit {told['status']}\n"
        )
        (programs / name).chmod(0o755)
    private = place / "private"
    private.mkdir()
    return Nix(private, environ={"PATH": f"{programs}:/usr/bin:/bin"})


def read(golden: Path, case: str, place: Path) -> tuple[Realised, list[bytes]]:
    lines: list[bytes] = []
    done = realise(
        replay(golden, case, place),
        json.loads((golden / f"{case}.json").read_text())["derivation"],
        again=CASES[case].again,
        options=(),
        timeout_s=60,
        log_bytes=1 << 20,
        line=lines.append,
        tick=lambda _elapsed: None,
    )
    return done, lines


def test_there_are_goldens_of_each() -> None:
    assert {name.partition("-")[0] for name in VERSIONS} == {"nix", "lix"}
    assert {"nix-2.8.0", "nix-2.26.3"} <= set(VERSIONS)
    assert MEANT.keys() == CASES.keys()
    for name in VERSIONS:
        logs = {path.stem for path in (GOLDEN / name).glob("*.log")}
        assert logs == {*CASES, "unlocked"}


@pytest.mark.parametrize("case", CASES)
def test_a_build_is_read_as_it_ended(golden: Path, case: str, tmp_path: Path) -> None:
    done, lines = read(golden, case, tmp_path)
    assert {name: getattr(done, name) for name in MEANT[case]} == MEANT[case], done.errors
    assert lines == LINES.get(case, lines)
    assert b"".join(lines).startswith(b"one\n") or case in ("too-much-output", *LINES)
    assert (done.status == 0) == (case in ("passed", "equal"))
    # Where the second output is, is only told when there is one.
    assert (done.differs is not None) == (case == "differs")
    if done.differs is not None:
        assert done.differs.startswith("/nix/store/")
        assert done.differs.endswith(f"-{golden.name}-differs.check")


def test_the_version_is_read(golden: Path, tmp_path: Path) -> None:
    name, _, version = golden.name.partition("-")
    nix = replay(golden, "passed", tmp_path)
    remembered = tmp_path / "version"
    for _ in range(2):
        assert nix.version(remembered) == NixVersion(name, version)
    assert len(remembered.read_text().splitlines()) == 2, "the program, and one line of its answer"


def test_an_input_that_is_not_locked_is_told_apart(golden: Path, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    (export / "flake.nix").write_text("{ outputs = { self }: { }; }\n")
    with pytest.raises(Refusal) as error:
        derive(replay(golden, "unlocked", tmp_path), export, definition("true"), "x86_64-linux")
    assert error.value.code == "LFCI316"
    assert any("'world'" in fact for fact in error.value.facts)
