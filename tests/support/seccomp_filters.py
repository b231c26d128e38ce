"""Compiles the filters of system calls with libseccomp: ``python -m tests.support.seccomp_filters``."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pyseccomp

from lfci_gate.engines.seccomp import ARCHITECTURES, RULES, Rule, filter_path

_ARCHES = {
    "x86_64": pyseccomp.Arch.X86_64,
    "x86": pyseccomp.Arch.X86,
    "x32": pyseccomp.Arch.X32,
    "aarch64": pyseccomp.Arch.AARCH64,
    "arm": pyseccomp.Arch.ARM,
}


def compiled(machine: str) -> bytes:
    """The filter for a machine, as libseccomp compiles it now."""
    made = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    native = made.system_arch() if hasattr(made, "system_arch") else pyseccomp.system_arch()
    for name in ARCHITECTURES[machine]:
        if not made.exist_arch(_ARCHES[name]):
            made.add_arch(_ARCHES[name])
    if native not in {_ARCHES[name] for name in ARCHITECTURES[machine]}:
        made.remove_arch(native)
    for rule in RULES:
        _add(made, rule)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(made: pyseccomp.SyscallFilter, rule: Rule) -> None:
    number = getattr(errno, rule.errno)
    condition = rule.condition
    if condition is None:
        made.add_rule(pyseccomp.ERRNO(number), rule.call)
    elif condition.mask is None:
        made.add_rule(
            pyseccomp.ERRNO(number),
            rule.call,
            pyseccomp.Arg(condition.argument, pyseccomp.GT, condition.value),
        )
    else:
        compared = pyseccomp.Arg(condition.argument, pyseccomp.MASKED_EQ, condition.mask, condition.value)
        made.add_rule(pyseccomp.ERRNO(number), rule.call, compared)


def main() -> None:
    for machine in ARCHITECTURES:
        path = Path(str(filter_path(machine)))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(compiled(machine))
        print(path.relative_to(Path.cwd()), os.path.getsize(path))


if __name__ == "__main__":
    main()
