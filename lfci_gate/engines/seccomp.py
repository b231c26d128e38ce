"""System calls that a check cannot make: the rules, and the filters compiled from them.

Namespaces and missing capabilities keep a run in its place already. The filter takes away the parts of
the kernel that a test suite has no use for and that escapes are made of, and what Nix's own sandbox takes
away (setuid files, extended attributes), so that both engines show one world.

The filters in ``filters/`` are compiled by libseccomp from :data:`RULES` (`make filters`); a test compiles
them again and interprets both. bubblewrap loads the one for this machine.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["ARCHITECTURES", "RULES", "Condition", "Rule", "filter_path"]


class Condition(NamedTuple):
    """About one argument of a system call: ``argument & mask == value``, or ``> value`` without a mask."""

    argument: int
    value: int
    mask: int | None = None


class Rule(NamedTuple):
    call: str
    errno: str
    """What the call answers."""
    condition: Condition | None = None


ARCHITECTURES: Final = {"x86_64": ("x86_64", "x86", "x32"), "aarch64": ("aarch64", "arm")}
"""Machine -> what its kernel runs: a 32-bit program must not be a way round the filter."""

_ABSENT: Final = (
    # Asked for arguments in memory that a filter cannot see; libraries fall back to clone.
    "clone3",
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("bpf", "userfaultfd", "perf_event_open", "pidfd_getfd", "kcmp"),
    # The keyring belongs to the user outside: no namespace holds it.
    *("add_key", "request_key", "keyctl"),
)
"""As if the kernel did not have them."""

_FORBIDDEN: Final = (
    *("ptrace", "process_vm_readv", "process_vm_writev"),
    *("mount", "umount2", "pivot_root", "move_mount", "open_tree", "mount_setattr"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "setns", "open_by_handle_at"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "fanotify_init", "syslog"),
    *("settimeofday", "clock_settime", "iopl", "ioperm", "vhangup", "lookup_dcookie"),
)

_NAMESPACES: Final = (
    0x00000080,  # CLONE_NEWTIME
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
_NEWTIME: Final = _NAMESPACES[0]
_INT: Final = 0xFFFFFFFF
_TERMINAL: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: typing into a terminal."""
_SETID: Final = (0o4000, 0o2000)
_MODE_AT: Final = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}
_LAST_FAMILY: Final = 16
"""AF_NETLINK. Of the families below it, these are left: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK."""
_FAMILIES: Final = frozenset({0, 1, 2, 10, 16})

RULES: Final = (
    *(Rule(call, "ENOSYS") for call in _ABSENT),
    *(Rule(call, "EPERM") for call in _FORBIDDEN),
    *(Rule("unshare", "EPERM", Condition(0, flag, flag)) for flag in _NAMESPACES),
    # In clone the lowest byte is the signal of the child's end, not a flag.
    *(Rule("clone", "EPERM", Condition(0, flag, flag)) for flag in _NAMESPACES if flag != _NEWTIME),
    *(Rule("ioctl", "EPERM", Condition(1, request, _INT)) for request in _TERMINAL),
    Rule("socket", "EAFNOSUPPORT", Condition(0, _LAST_FAMILY)),
    *(
        Rule("socket", "EAFNOSUPPORT", Condition(0, family, _INT))
        for family in range(_LAST_FAMILY)
        if family not in _FAMILIES
    ),
    # As in Nix's sandbox.
    *(Rule(call, "EPERM", Condition(at, bit, bit)) for call, at in _MODE_AT.items() for bit in _SETID),
    *(Rule(call, "ENOTSUP") for call in ("setxattr", "lsetxattr", "fsetxattr")),
)


def filter_path(machine: str) -> str | None:
    """The compiled filter for a machine as ``os.uname`` names it; None where there is none."""
    import os

    if machine not in ARCHITECTURES:
        return None
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "filters", f"{machine}.bpf")
