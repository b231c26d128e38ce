"""What Nix calls this machine, without asking Nix: a known result is answered without it."""

from __future__ import annotations

import os

_MACHINES = {"arm64": "aarch64", "amd64": "x86_64", "i386": "i686", "i586": "i686"}


def current_system() -> str:
    """E.g. ``x86_64-linux``."""
    name = os.uname()
    machine = name.machine.lower()
    return f"{_MACHINES.get(machine, machine)}-{name.sysname.lower()}"
