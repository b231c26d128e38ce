"""Who is at the other end of a Unix socket: what the kernel says, never what the peer says."""

from __future__ import annotations

import errno
import grp
import pwd
import socket
import struct
from typing import Final, NamedTuple

from lfci_gate.config.runner import Allowed, Limits, RunnerConfig
from lfci_gate.errors import UsageError
from lfci_gate.value import replace

__all__ = ["Peer", "Peers", "group_number", "peer_of"]

_UCRED: Final = struct.Struct("3i")
_SO_PEERGROUPS: Final = 59
"""Linux 4.13; socket(7) lists it, Python's socket module does not."""
_MOST_GROUPS: Final = 65536


class Peer(NamedTuple):
    """The credentials with which the peer connected."""

    uid: int
    groups: frozenset[int]


class Peers:
    """The configuration's [[allow]] entries, with names looked up once, at the start."""

    def __init__(self, config: RunnerConfig) -> None:
        """Raises UsageError LFCI524 for a user or group that this machine does not know."""
        self._allowed = tuple(
            replace(
                each,
                users=tuple(_user(user) for user in each.users),
                groups=tuple(group_number(group) for group in each.groups),
            )
            for each in config.allowed
        )

    def allowed(self, peer: Peer) -> Allowed | None:
        """The first entry that names the peer; None when it may ask nothing."""
        for each in self._allowed:
            if peer.uid in each.users or peer.groups.intersection(each.groups):
                return each
        return None

    def limits(self, peer: Peer) -> Limits:
        """What the peer may ask; the defaults for one that may ask nothing."""
        found = self.allowed(peer)
        return Limits() if found is None else found.limits


def peer_of(connection: socket.socket) -> Peer:
    """Raises OSError where the kernel does not tell: then nothing is answered."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    _, uid, gid = _UCRED.unpack(data)
    if uid == 0xFFFFFFFF or uid < 0:
        raise OSError(errno.EPERM, "the peer has no user")
    return Peer(uid, frozenset({gid, *_groups(connection)}))


def _groups(connection: socket.socket) -> tuple[int, ...]:
    size = 256
    while True:
        try:
            data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, size * 4)
        except OSError as error:
            if error.errno == errno.ERANGE and size < _MOST_GROUPS:
                size *= 4
                continue
            if error.errno == errno.ENOPROTOOPT:
                return ()  # an older kernel: the first group alone
            raise
        return struct.unpack(f"{len(data) // 4}I", data)


def _user(who: int | str) -> int:
    if isinstance(who, int):
        return who
    try:
        return pwd.getpwnam(who).pw_uid
    except KeyError:
        raise UsageError("LFCI524", f"runner configuration: there is no user {who} here") from None


def group_number(who: int | str) -> int:
    """The group's number. Raises UsageError LFCI524 when there is none of that name."""
    if isinstance(who, int):
        return who
    try:
        return grp.getgrnam(who).gr_gid
    except KeyError:
        raise UsageError("LFCI524", f"runner configuration: there is no group {who} here") from None
