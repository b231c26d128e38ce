"""Control groups: limits that a run cannot get around by starting more processes.

Used where this process may make a group beside or below its own: as root, or in a delegated part of
the tree as systemd gives it to a user's session. Version 2 and the older version 1 (each controller its own
tree). Elsewhere resource limits and a watch on the processes hold (engines.usage), and `lfci doctor`
says so. Only the supervisor and the doctor use this.
"""

from __future__ import annotations

import contextlib
import os
import time

TYPE_CHECKING = False  # typing costs a tenth of the supervisor's start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Group", "available", "make"]

_CONTROLLERS = ("memory", "pids")
_REMOVE_S = 2.0


class Group:
    """The control group of one run: one directory in version 2, one for each controller in version 1."""

    def __init__(self, directories: dict[str, str], version: int) -> None:
        self.directories = directories
        """Controller -> directory of the group."""
        self.version = version

    def hold(self, limits: dict[str, Any]) -> None:
        """Sets the limits. Raises OSError when the kernel does not take them."""
        memory = limits["memory_bytes"]
        if memory is not None:
            name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
            _write(os.path.join(self.directories["memory"], name), str(memory))
            swap = "memory.swap.max" if self.version == 2 else "memory.memsw.limit_in_bytes"
            with contextlib.suppress(OSError):  # a kernel without swap accounting has no such file
                _write(
                    os.path.join(self.directories["memory"], swap), "0" if self.version == 2 else str(memory)
                )
        _write(os.path.join(self.directories["pids"], "pids.max"), str(limits["processes"]))

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """What is started here is in the group; this process leaves it again."""
        before = _groups_of_self()
        for directory in set(self.directories.values()):
            _write(os.path.join(directory, "cgroup.procs"), "0")
        try:
            yield
        finally:
            for directory in set(before.values()):
                # When there is no way back this process stays inside: the limits then hold for it too.
                with contextlib.suppress(OSError):
                    _write(os.path.join(directory, "cgroup.procs"), "0")

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed a process of the group for its memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        for line in _read(os.path.join(self.directories["memory"], name)).splitlines():
            word, _, count = line.partition(" ")
            if word == "oom_kill":
                return count.strip() != "0"
        return False

    def remove(self) -> None:
        """Kills what is left and removes the group; what cannot be removed is empty and stays."""
        deadline = time.monotonic() + _REMOVE_S
        for directory in set(self.directories.values()):
            while os.path.isdir(directory):
                if self.version == 2:
                    with contextlib.suppress(OSError):
                        _write(os.path.join(directory, "cgroup.kill"), "1")
                try:
                    os.rmdir(directory)
                except OSError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.01)


def make(limits: dict[str, Any]) -> Group | None:
    """A new group with these limits; None where no group can be made."""
    name = f"lfci-{os.getpid()}-{os.urandom(4).hex()}"
    for version, parents in _parents():
        made: dict[str, str] = {}
        group = Group(made, version)
        try:
            for controller in _CONTROLLERS:
                directory = os.path.join(parents[controller], name)
                if directory not in made.values():
                    os.mkdir(directory)
                made[controller] = directory
            group.hold(limits)
        except OSError:
            group.remove()
            continue
        return group
    return None


def available() -> str:
    """For people: ``cgroup v2``, ``cgroup v1``, or an empty text where no group can be made."""
    group = make({"memory_bytes": 1 << 30, "processes": 100})
    if group is None:
        return ""
    group.remove()
    return f"cgroup v{group.version}"


def _parents() -> Iterator[tuple[int, dict[str, str]]]:
    """(version, controller -> directory in which a group could be made), the best first."""
    own = _groups_of_self()
    unified = own.get("")
    if unified is not None:
        for place in (unified, os.path.dirname(unified)):
            with contextlib.suppress(OSError):
                if set(_CONTROLLERS) <= set(_read(os.path.join(place, "cgroup.subtree_control")).split()):
                    yield 2, dict.fromkeys(_CONTROLLERS, place)
    if set(_CONTROLLERS) <= set(own):
        yield 1, {controller: own[controller] for controller in _CONTROLLERS}


def _groups_of_self() -> dict[str, str]:
    """Controller -> directory of this process's group; version 2 has the empty name."""
    mounts = _mounts()
    found: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in _read("/proc/self/cgroup").splitlines():
            _number, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                if controller in mounts:
                    root, place = mounts[controller]
                    below = path.removeprefix(root.rstrip("/")).strip("/")
                    found[controller] = os.path.join(place, below) if below else place
    return found


def _mounts() -> dict[str, tuple[str, str]]:
    """Controller -> (the group that is the root of the mount, where it is mounted)."""
    found: dict[str, tuple[str, str]] = {}
    with contextlib.suppress(OSError):
        for line in _read("/proc/self/mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            root, place = before.split()[3:5]
            kind, _source, options = after.split()[:3]
            if kind == "cgroup2":
                found.setdefault("", (root, place))
            elif kind == "cgroup":
                for controller in options.split(","):
                    found.setdefault(controller, (root, place))
    return found


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
