"""A pack from a stranger becomes objects, or nothing: git hashes every byte and follows every link."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.git.child import failure, talk
from lfci_gate.git.names import is_oid
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId

__all__ = ["fetch", "index_pack"]

_TIME_S: Final = 300
_CPU_S: Final = 240
_MEMORY_BYTES: Final = 2 << 30
"""Address space of git: a small pack can hold a delta that unfolds to more."""
_SPARING: Final = tuple(
    word
    for setting in (
        "pack.threads=1",
        "core.bigFileThreshold=16m",
        "core.fsync=pack,pack-metadata",
        # the repository's own packs, which may be large, are mapped in small pieces
        "core.packedGitWindowSize=16m",
        "core.packedGitLimit=256m",
    )
    for word in ("-c", setting)
)


def index_pack(git: Git, pack: Path, place: Path, commit: ObjectId, most_bytes: int) -> None:
    """Indexes ``pack`` in the object directory ``place``, which sees the repository's objects but is not
    one of them; the objects are then in ``place/pack``.

    Arguments: ``most_bytes`` is how large all objects may be together, unpacked. Raises Refusal LFCI530 when
    the pack is damaged, has objects that git does not accept, lacks objects that others name, unpacks to too
    much, or does not bring ``commit``.
    """
    folder = place / "pack"
    folder.mkdir()
    received = folder / "received.pack"
    os.rename(pack, received)
    inside = git.with_env(
        {
            "GIT_OBJECT_DIRECTORY": str(place),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(git.common_dir / "objects"),
            "GIT_QUARANTINE_PATH": str(place),  # git itself then refuses to move refs
        }
    )
    try:
        # --strict: `git fsck` of each object, and every object that is named must be there.
        words = _bounded(inside, *_SPARING, "index-pack", "--strict", str(received))
        name = words.decode("ascii", "replace")
        if not is_oid(name):
            raise Refusal("LFCI530", "git did not say which pack it indexed")
        for each in os.listdir(folder):
            os.rename(folder / each, folder / f"pack-{name}{Path(each).suffix}")
        _refuse_unfolding(git.with_env({"GIT_OBJECT_DIRECTORY": str(place)}), most_bytes)
        kind = inside.run("cat-file", "-t", commit, ok=(0, 128), timeout_s=_TIME_S).strip()
        if kind != b"commit":
            raise Refusal("LFCI530", "the pack does not bring the commit that was asked for")
        # Everything that the commit's tree names, here or in the repository.
        inside.run("rev-list", "--objects", "--quiet", "--missing=error", commit, timeout_s=_TIME_S)
    except LfciError as error:
        if error.code in ("LFCI530", "LFCI502"):
            raise
        raise Refusal("LFCI530", "git does not take the pack", facts=error.facts) from None


def fetch(git: Git, source: str, refspecs: tuple[str, ...], most_bytes: int) -> None:
    """Fetches from a source that the operator named; nothing of it is run. Raises Undecided LFCI513 or
    LFCI502, also for a pack larger than ``most_bytes``, of which git leaves a piece."""
    args = (
        *("-c", "fetch.fsckObjects=true", "-c", "fetch.unpackLimit=1", "fetch", "-q", "--no-tags", "--prune"),
        *("--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"),
        *("--upload-pack=git-upload-pack", "--", source, *refspecs),
    )
    child = git.popen(*args, stderr=subprocess.PIPE)
    _limit(child, resource.RLIMIT_FSIZE, most_bytes)  # of index-pack too, which it starts when a pack comes
    _, err = talk(child, ("fetch",), b"", _TIME_S)
    if child.returncode != 0:
        raise failure(("fetch",), child.returncode, err)


def _limit(child: subprocess.Popen[bytes], limit: int, value: int) -> None:
    with suppress(OSError):  # it has ended already
        resource.prlimit(child.pid, limit, (value, value))


def _bounded(git: Git, *args: str) -> bytes:
    """Output of a git that may use only so much memory and time."""
    child = git.popen(*args, stderr=subprocess.PIPE)
    _limit(child, resource.RLIMIT_AS, _MEMORY_BYTES)
    _limit(child, resource.RLIMIT_CPU, _CPU_S)
    out, err = talk(child, ("index-pack",), b"", _TIME_S)
    if child.returncode != 0:
        last = err.decode("ascii", "backslashreplace").strip().splitlines()[-1:]
        if any("No space left" in line for line in last):
            raise Undecided("LFCI502", "no space for the objects")
        raise Refusal("LFCI530", "git does not take the pack", facts=tuple(line[:300] for line in last))
    return out.strip()


def _refuse_unfolding(git: Git, most_bytes: int) -> None:
    """Refuses packs whose objects are together larger than ``most_bytes``, without unpacking them.

    Arguments: ``git`` sees the objects of the pack alone.
    """
    sizes = git.run(
        "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectsize)", timeout_s=_TIME_S
    )
    if sum(map(int, sizes.split())) > most_bytes:
        raise Refusal("LFCI530", f"the objects unpack to more than {most_bytes} bytes")


def _quoted(path: Path) -> str:
    """A path as GIT_ALTERNATE_OBJECT_DIRECTORIES wants it when it has a colon or a quote (git(1))."""
    text = os.fspath(path)
    if ":" not in text and not text.startswith('"'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
