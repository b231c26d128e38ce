"""Where the machine's configuration is read from: the user's file, then the operator's.

Each table counts whole, from the first file that has it. Nothing of a project takes part: the working
copy is never looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from lfci_gate import files
from lfci_gate.config.machine import CODE, MAX_BYTES, TABLES, parse_machine
from lfci_gate.errors import UsageError
from lfci_gate.machine import NO_MACHINE, Machine
from lfci_gate.value import replace

__all__ = ["OPERATOR", "configuration_files", "machine_of"]

OPERATOR = "/etc/lfci/config.toml"

_FIELDS = {"builders": ("builders", "local", "retry"), "cache": ("caches",), "store": ("verify",)}


def configuration_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The files that count, the user's first, whether they are there or not."""
    home = environ.get("HOME")
    config = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else "")
    # As the XDG specification has it: a relative path is none.
    user = (os.path.join(config, "lfci", "config.toml"),) if os.path.isabs(config) else ()
    return (*user, OPERATOR)


def machine_of(environ: Mapping[str, str]) -> Machine:
    """What is configured for this machine and user.

    Raises UsageError LFCI531 for a file that is malformed, or that somebody else than this user and root
    can change; Undecided LFCI520 for one that cannot be read.
    """
    found = NO_MACHINE
    open_tables = set(TABLES)
    for path in configuration_files(environ):
        data = _read(path)
        if data is None:
            continue
        machine, there = parse_machine(data, path)
        for table in open_tables.intersection(there):
            found = replace(found, **{name: getattr(machine, name) for name in _FIELDS[table]})
        open_tables -= set(there)
    return found


def _read(path: str) -> bytes | None:
    """The file's bytes; None where there is none. Links are followed, to where the owner has it."""
    real = os.path.realpath(path)
    data = files.read_file(real, MAX_BYTES)
    if data is None:
        return None
    with files.os_errors("look at a file", real):
        for place in (real, os.path.dirname(real)):
            about = os.stat(place)
            sticky = stat.S_ISDIR(about.st_mode) and about.st_mode & stat.S_ISVTX
            if about.st_uid not in (0, os.geteuid()) or (about.st_mode & 0o022 and not sticky):
                raise UsageError(
                    CODE,
                    "others than you and root could change the configuration",
                    facts=(ascii(place)[1:-1],),
                    hint=f"chmod go-w {place}",
                )
    return data
