"""Where the files that are not Python are: the hook shims and the jinja2 templates.

A wheel carries them below ``lfci_gate/_data/``; in a checkout, which an editable install
points to, they are the folders ``hooks/`` and ``templates/`` at the top.
"""

from __future__ import annotations

from pathlib import Path

from lfci_gate.errors import Undecided

_PACKAGE = Path(__file__).resolve().parent


def hooks() -> Path:
    """The folder of the hook shims. Raises Undecided LFCI505 when the installation lacks it."""
    return _folder("hooks")


def templates() -> Path:
    """The folder of the templates. Raises Undecided LFCI505 when the installation lacks it."""
    return _folder("templates")


def _folder(name: str) -> Path:
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise Undecided(
        "LFCI505",
        f"the installation of lfci-gate has no {name} folder",
        facts=tuple(f"looked for {place}" for place in places),
        hint="install lfci-gate again",
    )
