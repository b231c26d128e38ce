"""The Nix archive hash of a directory, as `nix hash path` prints it.

Computed here so that one evaluation both takes the exported tree into the store and checks it:
Nix compares its own hash with ours.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

__all__ = ["nar_hash"]


def nar_hash(directory: Path) -> str:
    """``sha256-<base64>`` of the archive of ``directory`` (Nix manual, "Nix archive (NAR) format").

    Raises OSError when something cannot be read, ValueError for a device, pipe or socket.
    """
    digest = hashlib.sha256()
    _string(digest.update, b"nix-archive-1")
    _node(digest.update, os.fsencode(directory))
    return "sha256-" + base64.b64encode(digest.digest()).decode("ascii")


def _string(out: Callable[[bytes], None], value: bytes) -> None:
    out(len(value).to_bytes(8, "little") + value + bytes(-len(value) % 8))


def _node(out: Callable[[bytes], None], path: bytes) -> None:
    mode = os.lstat(path).st_mode
    _string(out, b"(")
    _string(out, b"type")
    if stat.S_ISLNK(mode):
        _string(out, b"symlink")
        _string(out, b"target")
        _string(out, os.readlink(path))
    elif stat.S_ISREG(mode):
        _string(out, b"regular")
        if mode & stat.S_IXUSR:
            _string(out, b"executable")
            _string(out, b"")
        _string(out, b"contents")
        with open(path, "rb", buffering=0) as file:
            _string(out, file.read())
    elif stat.S_ISDIR(mode):
        _string(out, b"directory")
        for name in sorted(os.listdir(path)):
            _string(out, b"entry")
            _string(out, b"(")
            _string(out, b"name")
            _string(out, name)
            _string(out, b"node")
            _node(out, path + b"/" + name)
            _string(out, b")")
    else:
        raise ValueError(f"not a file, link or directory: {path!r}")
    _string(out, b")")
