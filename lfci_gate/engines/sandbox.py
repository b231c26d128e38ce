"""The develop engine's sandbox as arguments of bubblewrap. Pure.

A copy of what Nix's own build sandbox offers (docs: "One world for both engines"), so that the same
tree gives the same result in either: user 1000:100, /build, /tmp and /dev/shm writable and
nothing else, only the closure of the environment from the store, loopback and no other network, host
name localhost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lfci_gate.canonical import digest
from lfci_gate.engines.seccomp import RULES, Rule
from lfci_gate.model import Sha256
from lfci_gate.value import Value

__all__ = [
    "DEFAULT_LIMITS",
    "ETC",
    "Limits",
    "Sandbox",
    "bubblewrap_arguments",
    "nix_sandbox_digest",
    "sandbox_digest",
]

_MIB: Final = 1 << 20
_GIB: Final = 1 << 30


class Limits(Value):
    """What one run may use. Sizes in bytes."""

    build_bytes: int = 32 * _GIB
    """All that is below /build."""
    free_bytes: int = 256 * _MIB
    """What must stay free on the file system that holds /build."""
    tmp_bytes: int = 2 * _GIB
    """/tmp, and again /dev/shm; both are in memory."""
    memory_bytes: int | None = None
    """Memory of all processes; None: seven eighths of the machine's own."""
    file_bytes: int = 16 * _GIB
    """One file."""
    processes: int = 16384
    """Processes and threads of the user that runs the sandbox."""
    log_bytes: int = 4 * _GIB
    """All output; a run that prints more is ended."""
    log_stored_bytes: int = 32 * _MIB
    """How much of the output is stored; all of it is hashed."""


DEFAULT_LIMITS: Final = Limits()

ETC: Final = {
    "passwd": (
        "root:x:0:0:Nix build user:/build:/noshell\n"
        "nixbld:x:1000:100:Nix build user:/build:/noshell\n"
        "nobody:x:65534:65534:Nobody:/:/noshell\n"
    ),
    "group": "root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
"""Files of /etc, as Nix's sandbox has them (libstore's local builder)."""


class Sandbox(Value):
    closure: Sequence[str]
    """Store paths to show."""
    build: str
    """Host directory that becomes /build."""
    etc: str
    """Host directory that becomes /etc."""
    env: Mapping[str, str]
    network: bool
    interpreters: Mapping[str, str]
    """Path that scripts start with -> where it leads, e.g. ``/usr/bin/env``."""
    limits: Limits
    host: str = "localhost"
    """Host name. Another one leaves the one world: only for runs that are compared and never attested."""


def bubblewrap_arguments(sandbox: Sandbox) -> list[str]:
    """The arguments before the command."""
    size = str(sandbox.limits.tmp_bytes)
    arguments = [
        *("--unshare-all", "--unshare-user", "--disable-userns"),
        *(["--share-net"] if sandbox.network else []),
        # No terminal to push input into, and nothing outlives the engine.
        *("--new-session", "--die-with-parent"),
        *("--uid", "1000", "--gid", "100", "--hostname", sandbox.host, "--clearenv"),
        *("--perms", "0755", "--dir", "/nix", "--perms", "0755", "--dir", "/nix/store"),
    ]
    for path in sandbox.closure:
        arguments += ["--ro-bind", path, path]
    arguments += [
        # bubblewrap leaves /proc/sys writable where the kernel's own checks let it be.
        *("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"),
        *("--dev", "/dev", "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"),
        *("--perms", "1777", "--size", size, "--tmpfs", "/tmp"),
        *("--bind", sandbox.build, "/build", "--ro-bind", sandbox.etc, "/etc"),
    ]
    for folder in sorted({folder for place in sandbox.interpreters for folder in _folders(place)}):
        arguments += ["--perms", "0755", "--dir", folder]
    for place, target in sorted(sandbox.interpreters.items()):
        arguments += ["--ro-bind", target, place]  # as files, like Nix: no link to follow
    for name, value in sandbox.env.items():
        arguments += ["--setenv", name, value]
    # Last: what is made above needs a writable root, and a writable /dev.
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/build"]


def _plain(rule: Rule) -> list[object]:
    return [rule.call, rule.errno, None if rule.condition is None else list(rule.condition)]


def _folders(place: str) -> list[str]:
    """The directories above ``/usr/bin/env``, say."""
    parts = place.split("/")[1:-1]
    return ["/" + "/".join(parts[: index + 1]) for index in range(len(parts))]


def nix_sandbox_digest(interpreters: str, limits: Limits) -> Sha256:
    """As :func:`sandbox_digest`, for Nix's own build sandbox.

    Arguments:
        interpreters: what /bin/sh and /usr/bin/env were there, in the run script's words.
    """
    return digest(
        {
            "schema": "lfci.sandbox/1",
            "kind": "nix",
            "network": False,
            "user": [1000, 100],
            "store": "closure",
            "interpreters": interpreters,
            "limits": {"log": limits.log_bytes},
        }
    )


def sandbox_digest(network: bool, limits: Limits, *, filtered: bool = True) -> Sha256:
    """Names this kind of sandbox in an attestation: equal for every run that is isolated alike.

    Arguments:
        filtered: there is a filter of system calls for the machine.
    """
    return digest(
        {
            "schema": "lfci.sandbox/1",
            "kind": "bubblewrap",
            "namespaces": ["cgroup", "ipc", "mount", "net", "pid", "user", "uts"],
            "network": network,
            "system calls": digest([_plain(rule) for rule in RULES]) if filtered else None,
            "user": [1000, 100],
            "root": "read-only",
            "store": "closure",
            "writable": ["/build", "/dev/shm", "/tmp"],
            "interpreters": ["/bin/sh", "/usr/bin/env"],
            "seccomp": ["no set-id modes", "no extended attributes"],
            "limits": {
                "build": limits.build_bytes,
                "file": limits.file_bytes,
                "log": limits.log_bytes,
                "memory": limits.memory_bytes,
                "processes": limits.processes,
                "tmp": limits.tmp_bytes,
            },
        }
    )
