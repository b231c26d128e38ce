"""What the processes of a run use, and what they are allowed. Only the supervisor looks."""

from __future__ import annotations

import os
import resource

TYPE_CHECKING = False  # typing costs a tenth of the supervisor's start
if TYPE_CHECKING:
    from typing import Any

__all__ = ["disk_usage", "fix_addresses", "free_bytes", "limit_self", "memory_usage", "most_memory"]


def free_bytes(place: str) -> int:
    """What an ordinary user may still write on the file system of ``place``."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def disk_usage(top: str) -> int:
    """Bytes on the disk below ``top``; what cannot be looked into is not counted."""
    total = 0
    waiting = [top]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue
    return total


def memory_usage(init_fd: int) -> int:
    """Resident bytes of all processes in a process namespace; shared pages count for each.

    Arguments:
        init_fd: pidfd of the namespace's process 1; -1 when it is not known yet.
    """
    if init_fd < 0:
        return 0
    with open(f"/proc/self/fdinfo/{init_fd}") as info:
        init = next(line.split()[1] for line in info if line.startswith("Pid:"))
    namespace = _namespace(init)
    total = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        if namespace and _namespace(process) == namespace:
            try:
                with open(f"/proc/{process}/statm") as statm:
                    total += int(statm.read().split()[1]) * resource.getpagesize()
            except OSError:
                continue
    return total


def most_memory() -> int:
    """Seven eighths of the machine's memory, in bytes: what a run may use where nothing is said."""
    return os.sysconf("SC_PHYS_PAGES") * resource.getpagesize() // 8 * 7


def _namespace(process: str) -> str:
    try:
        return os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return ""  # gone meanwhile, or another user's


def limit_self(limits: dict[str, Any]) -> None:
    """What the sandbox inherits: resource limits, and being the first to go when memory is out."""
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


_ADDR_NO_RANDOMIZE = 0x0040000


def fix_addresses() -> None:
    """What the sandbox inherits: no random addresses, as Nix's builders have none."""
    import ctypes

    ctypes.CDLL(None).personality(_ADDR_NO_RANDOMIZE)
