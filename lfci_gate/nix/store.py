"""Store queries: what an environment consists of, and keeping it from the garbage collector."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from lfci_gate import files
from lfci_gate.errors import Undecided
from lfci_gate.nix.aterm import StoreDerivation
from lfci_gate.nix.caches import cache_doubts, refuse_unspeakable
from lfci_gate.nix.process import Completed, Nix, last_lines

__all__ = ["environment_closure", "interpreters", "known_closures", "refuse_altered"]

_STORE_PATH: Final = re.compile(r"/[\x21-\x7e]*/[0-9a-z]{32}-[0-9A-Za-z+._?=-]{1,211}")
_MAX_CLOSURE_BYTES: Final = 16 << 20


def environment_closure(
    nix: Nix,
    drv: StoreDerivation,
    source_path: str,
    roots: Path,
    *,
    verify: bool = False,
    warn: Callable[[str], None] = lambda _words: None,
) -> tuple[str, ...]:
    """The store paths that a builder of ``drv`` may see, without ``source_path``, built where missing.

    What has been found once for a set of inputs is kept in ``roots`` together with the GC roots that
    keep it alive, so that a warm run asks Nix nothing: a closure is a function of its roots. When it is
    found, and later with ``verify``, all of it is hashed and compared with what Nix remembers.

    Arguments:
        roots: directory for GC roots, e.g. ``<git dir>/lfci/gcroots``.
        warn: hears what a binary cache served that was not taken.

    Raises Undecided LFCI306 when an input cannot be built, LFCI326 when a path was altered, LFCI332 and
    LFCI333 for a binary cache, LFCI303 when Nix does not answer.
    """
    inputs = sorted(f"{path}!{','.join(names)}" for path, names in drv.input_drvs.items())
    sources = sorted(path for path in drv.input_srcs if path != source_path)
    if not inputs and not sources:
        return ()
    key = hashlib.sha256("\n".join([*inputs, "", *sources]).encode()).hexdigest()[:32]
    known = _known(nix, roots / key)
    if known is not None:
        if verify:
            refuse_altered(nix, known)
        return known
    found = _realise(nix, [*inputs, *sources], roots / key, warn)
    # In a store of its own everything has just been built, or hashed by Nix as it came in.
    if nix.store is None:
        refuse_altered(nix, found)
    files.write_file(roots / key / "closure", "\n".join(found).encode("ascii"))
    return found


def known_closures(roots: Path) -> tuple[str, ...]:
    """Every path of the environments that are kept in ``roots``, sorted."""
    found: set[str] = set()
    for place in sorted(roots.glob("*/closure")):
        lines = (files.read_file(place, _MAX_CLOSURE_BYTES) or b"").decode("ascii", "replace").splitlines()
        found |= {path for path in lines if _STORE_PATH.fullmatch(path)}
    return tuple(sorted(found))


def interpreters(nix: Nix, closure: Sequence[str], builder: str) -> dict[str, str]:
    """What /bin/sh and /usr/bin/env are in a sandbox, for people's scripts: path -> file on this machine.

    Nix 2.26 shows a link as a link, which then leads nowhere, so what links lead to is given.
    """
    found = {"/bin/sh": str(_resolved(nix, builder))}
    for path in closure:
        env = _resolved(nix, f"{path}/bin/env")
        if os.access(env, os.X_OK):
            return found | {"/usr/bin/env": str(env)}
    return found


def _resolved(nix: Nix, path: str) -> Path:
    """The file on this machine that a path in the store leads to; links are as the store sees them."""
    for _ in range(40):
        there = nix.real(path)
        if not there.is_symlink():
            return there
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(there)))
    return there


def refuse_altered(nix: Nix, paths: Sequence[str]) -> None:
    """Raises Undecided LFCI326 when the content of one of ``paths`` is not what was built or fetched;
    LFCI303 when Nix cannot tell. Reads all of them."""
    done = nix.run_store("--verify-path", *paths)
    if done.status == 0:
        return
    said = tuple(each for each in last_lines(done.stderr) if "was modified" in each)
    if not said:
        raise Undecided("LFCI303", "nix-store --verify-path failed", facts=last_lines(done.stderr))
    raise Undecided("LFCI326", "a path in the store is not what was built", facts=said)


def _known(nix: Nix, place: Path) -> tuple[str, ...] | None:
    """The closure found before, when everything of it is still there."""
    data = files.read_file(place / "closure", _MAX_CLOSURE_BYTES)
    if not data:
        return None
    paths = tuple(data.decode("ascii", "replace").splitlines())
    whole = all(_STORE_PATH.fullmatch(path) and os.path.lexists(nix.real(path)) for path in paths)
    return paths if whole else None


def _realise(nix: Nix, inputs: Sequence[str], place: Path, warn: Callable[[str], None]) -> tuple[str, ...]:
    with files.os_errors("make a directory for GC roots", place):
        place.mkdir(parents=True, exist_ok=True)
    # Roots are indirect (links in the store's state that point here), so any user may have them.
    done = nix.run_store("--realise", "--add-root", str(place / "root"), "--indirect", *inputs)
    refuse_unspeakable(done)
    doubts = cache_doubts(done)
    if done.status != 0 and doubts:
        raise Undecided("LFCI332", "a binary cache serves what cannot be believed", facts=doubts)
    if done.status != 0:
        raise Undecided("LFCI306", "the environment could not be built", facts=last_lines(done.stderr))
    for words in doubts:
        warn(words)
    linked = _lines(done, "--realise")
    built = [os.readlink(link) for link in linked]
    closure = tuple(sorted(_lines(nix.run_store("-qR", *built), "-qR")))
    if not closure or not all(_STORE_PATH.fullmatch(path) for path in closure):
        raise Undecided("LFCI303", "nix-store -qR named no store paths")
    return closure


def _lines(done: Completed, what: str) -> list[str]:
    if done.status != 0:
        raise Undecided("LFCI303", f"nix-store {what} failed", facts=last_lines(done.stderr))
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()
