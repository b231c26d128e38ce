"""Reading a store derivation (``.drv`` file): the one form that every version of Nix shares.

``Derive([outputs],[input derivations],[input sources],system,builder,[args],[environment])`` in
ATerm notation. Written by the Nix that runs here, so this reader only has to be exact and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lfci_gate.errors import Undecided
from lfci_gate.value import Value

__all__ = ["StoreDerivation", "parse_derivation"]

MAX_BYTES: Final = 32 << 20

_TOKEN: Final = re.compile(rb'"((?:[^"\\]|\\.)*+)"|([\[\](),])', re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class StoreDerivation(Value):
    outputs: Mapping[str, str]
    """Output name -> store path."""
    input_drvs: Mapping[str, tuple[str, ...]]
    """Store path of a derivation -> the names of its outputs that are used."""
    input_srcs: tuple[str, ...]
    system: str
    builder: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    """In the file's order."""
    by_content: bool = False
    """An output is named by its content: such a build may use the network, or has no fixed path."""


def parse_derivation(data: bytes) -> StoreDerivation:
    """The derivation in ``data``. Raises Undecided LFCI304 when it is not one that is known here."""
    try:
        if not data.startswith(b"Derive(") or len(data) > MAX_BYTES:
            raise ValueError("no Derive term")
        outputs, drvs, sources, system, builder, args, env = _parse(data[len(b"Derive") :])
        return StoreDerivation(
            outputs={_text(name): _text(path) for name, path, _kind, _hash in outputs},
            input_drvs={_text(path): tuple(_text(name) for name in names) for path, names in drvs},
            input_srcs=tuple(_text(path) for path in sources),
            system=_text(system),
            builder=_text(builder),
            args=tuple(_text(arg) for arg in args),
            env={_text(name): _text(value) for name, value in env},
            by_content=any(kind or hashed for _name, _path, kind, hashed in outputs),
        )
    except (ValueError, TypeError) as error:
        raise Undecided("LFCI304", "a store derivation cannot be read", facts=(str(error)[:200],)) from error


def _text(value: Any) -> str:
    if type(value) is not bytes:
        raise ValueError("a string is expected")
    # Environment values may hold any bytes; they go back out through os.fsencode.
    return value.decode("utf-8", "surrogateescape")


def _parse(data: bytes) -> list[Any]:
    """The nested lists of one parenthesised term; an explicit stack, so that depth costs nothing."""
    stack: list[list[Any]] = [[]]
    closers: list[bytes] = []
    position = 0
    value_may_follow = True
    while position < len(data):
        token = _TOKEN.match(data, position)
        if token is None:
            raise ValueError(f"unexpected byte at {position}")
        position = token.end()
        mark = token[2]
        if mark == b",":
            if value_may_follow:
                raise ValueError(f"unexpected comma at {position}")
            value_may_follow = True
            continue
        if mark in (b")", b"]"):
            if not closers or closers.pop() != mark or (value_may_follow and stack[-1]):
                raise ValueError(f"unexpected bracket at {position}")
            done = stack.pop()
            stack[-1].append(done)
            value_may_follow = False
        elif not value_may_follow:
            raise ValueError(f"a comma is expected at {position}")
        elif mark is None:
            stack[-1].append(_ESCAPE.sub(lambda each: _ESCAPED.get(each[1], each[1]), token[1]))
            value_may_follow = False
        else:
            stack.append([])
            closers.append(b")" if mark == b"(" else b"]")
    if closers or len(stack[0]) != 1 or type(stack[0][0]) is not list:
        raise ValueError("unbalanced")
    term: list[Any] = stack[0][0]
    return term
