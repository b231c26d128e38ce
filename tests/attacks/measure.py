"""Runs a hook and writes down what it cost: wall seconds, CPU seconds, memory, and who survived it.

``python -I -S measure.py FOLDER HOOK``, in the place of the hook. Standard library only: it is started by
git. Memory is the largest sum of resident sets of all processes of the hook at one moment (looked at
every few milliseconds, shared pages counted for each, so it is more than what was used), and at least
the largest resident set of any of them, which the kernel counts.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: what the hook leaves running becomes our child
_PAGE = os.sysconf("SC_PAGE_SIZE")
_GRACE_S = 1.0


def children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        return []


def resident(pid: int) -> int:
    """Bytes of a process and all below it."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            own = int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        own = 0
    return own + sum(resident(child) for child in children(pid))


def survivors(until: float) -> list[str]:
    """Names of processes that the hook left running, after a moment to end; they are killed."""
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
        except ChildProcessError:
            return []
    names = []
    for pid in children(os.getpid()):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                names.append(file.read().replace(b"\0", b" ").decode("ascii", "replace")[:200])
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    return names


def main(folder: str, hook: str) -> int:
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.execv(hook, [hook])
    most = 0
    wait = 0.002
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        most = max(most, resident(pid))
        time.sleep(wait)
        wait = min(wait * 1.1, 0.02)
    ended = time.monotonic()
    found = {
        "wall_s": ended - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "rss": max(most, usage.ru_maxrss * 1024),
        "survivors": survivors(ended + _GRACE_S),
        "status": os.waitstatus_to_exitcode(status),
    }
    name = f"{folder}/{time.time_ns()}-{os.getpid()}"
    with open(name + ".part", "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.rename(name + ".part", name + ".json")
    return found["status"] if found["status"] >= 0 else 128 - found["status"]


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
