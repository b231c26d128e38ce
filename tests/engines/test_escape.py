"""Ways out of the sandbox: each is tried from inside, as root and as an ordinary user outside.

What floods and what survives is in test_outcomes and below; what an ordinary user's run shows is in
test_ordinary_user.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyseccomp
import pytest

from lfci_gate.engines import cgroups
from lfci_gate.engines.sandbox import Limits
from lfci_gate.engines.seccomp import ARCHITECTURES, RULES, filter_path
from lfci_gate.model import Outcome
from tests.support.escape import Bait, bait, probe_command, still_open
from tests.support.seccomp_filters import compiled
from tests.support.transports import until
from tests.support.world_project import Project, processes_with


@pytest.fixture
def laid(tmp_path: Path) -> Iterator[Bait]:
    with bait(tmp_path) as made:
        yield made


def test_every_way_out_is_closed(project: Project, laid: Bait, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(laid.socket))
    said = json.loads(project.said(probe_command(laid)))
    assert len(said) > 60
    assert still_open(said) == {}
    assert laid.heard() == []
    # The baits are there for whoever is outside: a refusal inside says something about the sandbox.
    with socket.create_connection(("127.0.0.1", laid.tcp)):
        pass
    until(lambda: laid.heard() == ["tcp"])


def test_probes_do_succeed_outside(laid: Bait, tmp_path: Path) -> None:
    """A probe that nothing could pass would show nothing."""
    command = [sys.executable, *probe_command(laid, str(tmp_path))[1:]]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, start_new_session=True)
    found = still_open(json.loads(done.stdout))
    expected = {
        *("abstract socket of the host", "socket of the host in the file system", "file of the host"),
        *("TCP to the host's loopback", "processes of the host in /proc", "process of the host"),
    }
    assert expected <= set(found)
    until(lambda: sorted(laid.heard()) == ["abstract", "socket", "tcp"])


def test_what_a_check_starts_and_leaves_is_gone(project: Project) -> None:
    marker = f"survivor-{os.getpid()}"
    code = (
        "import os, time\n"
        "for _ in range(3):\n"
        "  if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"      os.execvp('sh', ['sh', '-c', 'trap \"\" TERM HUP INT; sleep 60; : {marker}'])\n"
        "    os._exit(0)\n"
        "time.sleep(0.2)\n"
    )
    assert project.run(("python3", "-c", code)).outcome is Outcome.PASSED
    assert processes_with(marker) == []


# -- control groups ------------------------------------------------------------------------------

_GREEDY = "import time; data = [bytes([1]) * (1 << 20) for _ in range(400)]; time.sleep(1); print(len(data))"
"""400 MiB and a second: bounded in both where nothing stops it."""


def test_a_flood_of_memory_is_undecided_also_when_only_a_child_is_killed(project: Project) -> None:
    command = ("sh", "-c", f"python3 -c '{_GREEDY}' || echo survived")
    result = project.run(command, limits=Limits(memory_bytes=200 << 20))
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI313")
    assert "memory" in result.message


def test_without_a_control_group_the_watch_ends_a_flood_of_memory(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import time; data = [bytes([1]) * (1 << 20) for _ in range(400)]; time.sleep(30)"
    monkeypatch.setattr("lfci_gate.engines.develop._SUPERVISE", _WITHOUT_GROUPS)
    result = project.run(("python3", "-c", code), limits=Limits(memory_bytes=200 << 20))
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI313")


_WITHOUT_GROUPS = (
    "import sys; sys.path.append(sys.argv[1]); from lfci_gate.engines import cgroups, supervisor;"
    " cgroups.make = lambda limits: None; sys.exit(supervisor.main(sys.argv[2]))"
)


def test_groups_are_removed_with_their_runs(project: Project) -> None:
    project.said("true")
    made = cgroups.make({"memory_bytes": 1 << 30, "processes": 50})
    if made is None:  # an ordinary user without a delegated tree: there is nothing to be left
        assert cgroups.available() == ""
        return
    parents = {os.path.dirname(each) for each in made.directories.values()}
    assert all(os.path.isdir(each) for each in made.directories.values())
    made.remove()
    left = [name for parent in parents for name in os.listdir(parent) if name.startswith("lfci-")]
    mine = [name for name in left if name.startswith(f"lfci-{os.getpid()}-")]
    assert mine == []


# -- the filter of system calls ------------------------------------------------------------------

_AUDIT = {
    "x86_64": 0xC000003E,
    "x86": 0x40000003,
    "aarch64": 0xC00000B7,
    "arm": 0x40000028,
    "x32": 0xC000003E,
}
_ARCHES = {"x86_64": pyseccomp.Arch.X86_64, "aarch64": pyseccomp.Arch.AARCH64}
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def interpreted(program: bytes, arch: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What a filter answers: classic BPF over struct seccomp_data, as the kernel runs it."""
    filled = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("<iIQ6Q", number, arch, 0, *(each & 0xFFFFFFFFFFFFFFFF for each in filled))
    code = list(struct.iter_unpack("<HBBI", program))
    at = accumulator = 0
    while True:
        operation, yes, no, k = code[at]
        at += 1
        if operation == 0x20:  # ld [k]
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif operation == 0x54:  # and k
            accumulator &= k
        elif operation == 0x05:  # ja
            at += k
        elif operation in (0x15, 0x25, 0x35, 0x45):
            holds = {
                0x15: accumulator == k,
                0x25: accumulator > k,
                0x35: accumulator >= k,
                0x45: accumulator & k,
            }
            at += yes if holds[operation] else no
        elif operation == 0x06:  # ret k
            return int(k)
        else:
            raise AssertionError(f"unexpected instruction {operation:#x}")


@pytest.mark.parametrize("machine", sorted(_ARCHES))
def test_the_shipped_filter_says_what_the_rules_say(machine: str) -> None:
    program = Path(str(filter_path(machine))).read_bytes()
    conditional = set()
    for rule in RULES:
        number = pyseccomp.resolve_syscall(_ARCHES[machine], rule.call)
        assert isinstance(number, int)
        if number < 0:
            continue  # this machine never had the call
        answer = _ERRNO | getattr(errno, rule.errno)
        condition = rule.condition
        if condition is None:
            assert interpreted(program, _AUDIT[machine], number) == answer, rule
            continue
        conditional.add(rule.call)
        value = condition.value + 1 if condition.mask is None else condition.value
        arguments = (0,) * condition.argument + (value,)
        assert interpreted(program, _AUDIT[machine], number, arguments) == answer, rule
    for call in conditional:
        number = pyseccomp.resolve_syscall(_ARCHES[machine], call)
        assert interpreted(program, _AUDIT[machine], number) == _ALLOW
    for call in ("read", "openat", "execve", "futex", "sendmsg", "getrandom", "memfd_create", "pidfd_open"):
        number = pyseccomp.resolve_syscall(_ARCHES[machine], call)
        assert interpreted(program, _AUDIT[machine], number) == _ALLOW, call
    assert interpreted(program, 0x12345678, 0) == 0  # an unknown kind of machine: killed


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_the_shipped_filter_is_what_libseccomp_compiles(machine: str) -> None:
    """Versions of libseccomp order instructions differently, so what the programs answer is compared."""
    shipped, fresh = Path(str(filter_path(machine))).read_bytes(), compiled(machine)
    samples = [
        (),
        (0x10000000,),
        (0, 0x5412),
        (0, 0o4000),
        (0, 0, 0o2000),
        (16,),
        (17,),
        (40,),
        (2,),
        (0x80,),
    ]
    for name in ARCHITECTURES[machine]:
        offset = 0x40000000 if name == "x32" else 0
        for number in range(480):
            for sample in samples:
                case = (_AUDIT[name], number + offset, sample)
                assert interpreted(shipped, *case) == interpreted(fresh, *case), (name, *case)


def test_this_machine_has_a_filter() -> None:
    assert filter_path(platform.machine()) is not None
    assert filter_path("vax") is None
