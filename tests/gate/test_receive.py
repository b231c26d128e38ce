"""The pre-receive hook when something goes wrong: whatever it is, the push is refused, nothing is left
behind, and it ends in time. Plus what the hook costs: which modules it imports."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.gate.receive import main, parse_updates
from tests.support.forge import Developer, Forge
from tests.support.outcomes import code_of
from tests.support.transports import until

OLD, NEW = "1" * 40, "2" * 40


@pytest.fixture
def hook(shared: Developer) -> Callable[[str], None]:
    """Replaces the pre-receive hook by a shell script in which $HOOK is the real one."""
    path = shared.forge.path / "hooks/pre-receive"
    real = path.with_name("pre-receive.real")
    if not real.exists():
        path.rename(real)

    def replace(script: str) -> None:
        path.write_text(f"#!/bin/sh\nHOOK={shlex.quote(str(real))}\n{script}\n")
        path.chmod(0o755)

    return replace


def budget(forge: Forge, seconds: str) -> None:
    forge.repo.git("config", "lfci.timeBudget", seconds)


def fake_git(place: Path, instead_of_cat_file: str) -> str:
    """A folder for PATH whose git does something else when asked for objects."""
    place.mkdir()
    git = place / "git"
    git.write_text(
        f'#!/bin/sh\ncase " $* " in *" cat-file "*) {instead_of_cat_file} ;; esac\n'
        'PATH=${PATH#*:} exec git "$@"\n'
    )
    git.chmod(0o755)
    return str(place)


def python_hook(code: str) -> str:
    """Runs the hook in Python after ``code``."""
    text = f"import sys\n{code}\nfrom lfci_gate.gate.receive import main\nsys.exit(main(['pre-receive']))"
    return f"exec {shlex.quote(sys.executable)} -I -c {shlex.quote(text)}"


# -- time, memory, signals --------------------------------------------------------------------------


def test_a_git_that_hangs_is_ended_by_the_time_budget(
    guest: Developer, hook: Callable[[str], None], tmp_path: Path
) -> None:
    budget(guest.forge, "1.5")
    hook(f"PATH={fake_git(tmp_path / 'bin', 'exec sleep 60')}:$PATH exec $HOOK")
    guest.edit()
    started = time.monotonic()
    guest.refused("LFCI503", "origin", "main", guest.evidence("HEAD"))
    assert time.monotonic() - started < 15


def test_a_git_that_ignores_its_end_does_not_outlive_the_grace(
    guest: Developer, hook: Callable[[str], None], tmp_path: Path
) -> None:
    budget(guest.forge, "1")
    stubborn = "trap '' TERM; while :; do sleep 1; done"
    hook(f"PATH={fake_git(tmp_path / 'bin', stubborn)}:$PATH exec $HOOK")
    guest.edit()
    started = time.monotonic()
    guest.refused("LFCI503", "origin", "main", guest.evidence("HEAD"))
    assert time.monotonic() - started < 20


def test_a_hook_that_swallows_the_first_alarm_is_ended_by_the_second(
    guest: Developer, hook: Callable[[str], None]
) -> None:
    budget(guest.forge, "0.5")
    deaf = (
        "import time, lfci_gate.gate.rules as rules\n"
        "def evaluate(*_):\n"
        "    try:\n        time.sleep(60)\n    except BaseException:\n        time.sleep(60)\n"
        "rules.evaluate = evaluate"
    )
    hook(python_hook(deaf))
    guest.edit()
    guest.refused("LFCI503", "origin", "main", guest.evidence("HEAD"))


def test_a_git_that_answers_without_end_meets_the_memory_bound(
    guest: Developer, hook: Callable[[str], None], tmp_path: Path
) -> None:
    budget(guest.forge, "60")
    hook(f"PATH={fake_git(tmp_path / 'bin', 'exec cat /dev/zero')}:$PATH exec $HOOK")
    guest.edit()
    guest.refused("LFCI504", "origin", "main", guest.evidence("HEAD"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_hook_that_is_stopped_refuses(
    guest: Developer, hook: Callable[[str], None], tmp_path: Path, number: signal.Signals
) -> None:
    budget(guest.forge, "60")
    pid, asked = tmp_path / "pid", tmp_path / "asked"
    path = fake_git(tmp_path / "bin", f"touch {asked}; exec sleep 60")
    hook(f"echo $$ > {pid}; PATH={path}:$PATH exec $HOOK")
    guest.edit()
    spec = guest.evidence("HEAD")

    def stop() -> None:
        until(asked.exists, 30)
        os.kill(int(pid.read_text()), number)

    thread = threading.Thread(target=stop)
    thread.start()
    before = guest.forge.state()
    pushed = guest.push("origin", "main", spec)
    thread.join()
    assert pushed.status != 0
    assert pushed.codes == ({"LFCI505"} if number is signal.SIGTERM else set()), pushed.output
    assert guest.forge.state() == before
    guest.forge.fsck()


# -- errors --------------------------------------------------------------------------------------------


def test_an_exception_nobody_expects_refuses(ada: Developer) -> None:
    code = (
        "import lfci_gate.gate.rules as rules\n"
        "def evaluate(*_): raise ValueError('secret')\n"
        "rules.evaluate = evaluate"
    )
    (ada.forge.path / "hooks/pre-receive").write_text(f"#!/bin/sh\n{python_hook(code)}\n")
    ada.edit()
    before = ada.forge.refs()
    pushed = ada.push("origin", "main", ada.evidence("HEAD"))
    assert (pushed.status != 0, pushed.codes) == (True, {"LFCI505"})
    assert "secret" not in pushed.output
    assert "kind: ValueError" in pushed.output
    assert ada.forge.refs() == before
    log = (ada.forge.path / "lfci/last-error.txt").read_text()
    assert log.startswith("ValueError\n")
    assert "secret" not in log


def test_a_journal_that_cannot_be_written_refuses(ada: Developer) -> None:
    """A landing that could not be recorded does not happen; also not half of it."""
    (ada.forge.path / "lfci/accepted").rmdir()
    (ada.forge.path / "lfci/accepted").write_bytes(b"")
    ada.edit()
    ada.refused("LFCI520", "origin", "main", "HEAD:refs/heads/release/1", ada.evidence("HEAD"))


def test_a_damaged_memory_of_the_policy_refuses(ada: Developer) -> None:
    (ada.forge.path / "lfci/policy-floor.json").write_bytes(b"{}")
    ada.edit()
    ada.refused("LFCI505", "origin", "main", ada.evidence("HEAD"))


@pytest.mark.parametrize("value", ["soon", "0.1", "61", "nan", "-1"])
def test_a_time_budget_that_is_none_refuses(
    guest: Developer, hook: Callable[[str], None], value: str
) -> None:
    hook("exec $HOOK")
    budget(guest.forge, value)
    before = guest.forge.refs()
    pushed = guest.push("origin", "HEAD:refs/heads/topic")
    assert (pushed.status != 0, pushed.codes, guest.forge.refs()) == (True, {"LFCI505"}, before)


def test_a_push_that_is_recorded_by_half_leaves_no_entry(ada: Developer) -> None:
    """The second of two refs cannot be recorded: the first one's entry goes too."""
    code = (
        "import lfci_gate.gate.state as state\n"
        "from lfci_gate.errors import Undecided\n"
        "record = state.ForgeState.record\n"
        "def fail(self, entry):\n"
        "    if entry.ref != 'refs/heads/main': raise Undecided('LFCI502', 'no space')\n"
        "    record(self, entry)\n"
        "state.ForgeState.record = fail"
    )
    (ada.forge.path / "hooks/pre-receive").write_text(f"#!/bin/sh\n{python_hook(code)}\n")
    ada.edit()
    ada.refused("LFCI502", "origin", "main", "HEAD:refs/heads/release/1", ada.evidence("HEAD"))


# -- git's list ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "LFCI505"),
        (b"\n", "LFCI505"),
        (f"{OLD} {NEW} refs/heads/x".encode(), "LFCI505"),
        (f"{OLD} {NEW}\n".encode(), "LFCI505"),
        (f"{OLD} {NEW[1:]} refs/heads/x\n".encode(), "LFCI505"),
        (f"{OLD} {NEW.replace('2', 'A')} refs/heads/x\n".encode(), "LFCI505"),
        (f"{OLD} {NEW} ".encode() + b"refs/heads/\xff\n", "LFCI211"),
        (b"x" * ((16 << 20) + 1), "LFCI411"),
        (f"{OLD} {NEW} refs/heads/x\n{'0' * 40} {NEW} refs/heads/a b\n".encode(), None),
    ],
)
def test_gits_list_is_read_strictly(data: bytes, code: str | None) -> None:
    assert code_of(lambda: parse_updates(data)) == code


def test_zero_is_no_object() -> None:
    [made, gone] = parse_updates(f"{'0' * 40} {NEW} refs/a/b\n{OLD} {'0' * 64} refs/a/c\n".encode())
    assert (made.old, made.new, gone.old, gone.new) == (None, NEW, OLD, None)


def test_an_unknown_hook_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    assert main(["update"]) == 2
    assert "LFCI514" in stderr.getvalue()


# -- what it costs ------------------------------------------------------------------------------------


def test_what_the_hook_imports_and_starts(ada: Developer, tmp_path: Path) -> None:
    """Measured in docs/performance.md: these imports and processes are most of the hook's time."""
    answer = tmp_path / "cost.json"
    code = (
        "import atexit, json\nstarted = []\n"
        "sys.addaudithook(lambda event, args: started.append(list(args[1]))"
        " if event == 'subprocess.Popen' else None)\n"
        f"atexit.register(lambda: open({str(answer)!r}, 'w').write("
        "json.dumps([sorted(sys.modules), started])))"
    )
    (ada.forge.path / "hooks/pre-receive").write_text(f"#!/bin/sh\n{python_hook(code)}\n")
    ada.edit()
    ada.lands("origin", "main", ada.evidence("HEAD"))
    modules, started = json.loads(answer.read_text())
    heavy = (
        "pygit2 jinja2 tomli_w bcrypt asyncio http email tempfile logging sqlite3 argparse gettext shutil"
        " pathlib urllib ipaddress dataclasses inspect socket"
    )
    assert not set(heavy.split()) & set(modules)
    cold = (
        *("lfci_gate.nix", "lfci_gate.engines", "lfci_gate.cli", "lfci_gate.clone"),
        # what this policy does not use
        *("lfci_gate.gate.standing", "lfci_gate.gate.assurance", "lfci_gate.gate.pusher"),
        *("lfci_gate.config.powers", "lfci_gate.config.satisfiable", "lfci_gate.config.overlap"),
    )
    assert not [name for name in modules if name.startswith(cold)]
    primitives = "cryptography.hazmat.primitives."
    used = {name.removeprefix(primitives) for name in modules if name.startswith(primitives)}
    assert used == {"_serialization", "asymmetric", "asymmetric.ed25519", "hashes"}
    assert len(started) <= 6, started
