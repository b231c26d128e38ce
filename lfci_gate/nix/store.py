"""Store queries: what an environment consists of, and keeping it from the garbage collector."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lfci_gate import files
from lfci_gate.errors import Undecided
from lfci_gate.nix.aterm import StoreDerivation
from lfci_gate.nix.process import Completed, Nix, last_lines

__all__ = ["environment_closure"]

_STORE_PATH: Final = re.compile(r"/[\x21-\x7e]*/[0-9a-z]{32}-[0-9A-Za-z+._?=-]{1,211}")
_MAX_CLOSURE_BYTES: Final = 16 << 20


def environment_closure(nix: Nix, drv: StoreDerivation, source_path: str, roots: Path) -> tuple[str, ...]:
    """The store paths that a builder of ``drv`` may see, without ``source_path``, built where missing.

    What has been found once for a set of inputs is kept in ``roots`` together with the GC roots that
    keep it alive, so that a warm run asks Nix nothing: a closure is a function of its roots.

    Arguments:
        roots: directory for GC roots, e.g. ``<git dir>/lfci/gcroots``.

    Raises Undecided LFCI306 when an input cannot be built, LFCI303 when Nix does not answer.
    """
    inputs = sorted(f"{path}!{','.join(names)}" for path, names in drv.input_drvs.items())
    sources = sorted(path for path in drv.input_srcs if path != source_path)
    if not inputs and not sources:
        return ()
    key = hashlib.sha256("\n".join([*inputs, "", *sources]).encode()).hexdigest()[:32]
    known = _known(roots / key)
    if known is None:
        known = _find(nix, [*inputs, *sources], roots / key)
    return known


def _known(place: Path) -> tuple[str, ...] | None:
    """The closure found before, when everything of it is still there."""
    data = files.read_file(place / "closure", _MAX_CLOSURE_BYTES)
    if not data:
        return None
    paths = tuple(data.decode("ascii", "replace").splitlines())
    whole = all(_STORE_PATH.fullmatch(path) and os.path.lexists(path) for path in paths)
    return paths if whole else None


def _find(nix: Nix, inputs: Sequence[str], place: Path) -> tuple[str, ...]:
    with files.os_errors("make a directory for GC roots", place):
        place.mkdir(parents=True, exist_ok=True)
    # Roots are indirect (links in the store's state that point here), so any user may have them.
    done = nix.run_store("--realise", "--add-root", str(place / "root"), "--indirect", *inputs)
    if done.status != 0:
        raise Undecided("LFCI306", "the environment could not be built", facts=last_lines(done.stderr))
    linked = _lines(done, "--realise")
    built = [os.path.realpath(link) for link in linked]
    closure = tuple(sorted(_lines(nix.run_store("-qR", *built), "-qR")))
    if not closure or not all(_STORE_PATH.fullmatch(path) for path in closure):
        raise Undecided("LFCI303", "nix-store -qR named no store paths")
    files.write_file(place / "closure", "\n".join(closure).encode("ascii"))
    return closure


def _lines(done: Completed, what: str) -> list[str]:
    if done.status != 0:
        raise Undecided("LFCI303", f"nix-store {what} failed", facts=last_lines(done.stderr))
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()
