"""Bounded TOML: what is checked before tomllib sees a byte.

tomllib recurses into nested arrays and takes quadratic time for a key of very many dotted parts,
so nesting, dots and keys are counted first, outside of strings and comments. The scanner and
tomllib agree on every prefix that is valid TOML; where the text is not valid, tomllib refuses it.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NoReturn

from lfci_gate.canonical import Fields, decode
from lfci_gate.errors import LfciError

MAX_DEPTH = 16
MAX_DOTS = 64
"""Dots in one line, outside of strings."""

# One token each, nothing is looked at twice. A string of three quotes may end with up to five.
TOKENS = re.compile(
    r"#[^\n]*+"
    r'|"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5})?'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]++|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|([\[\]{}.=\n])",
    re.DOTALL,
)


def parse_toml(data: bytes, *, max_bytes: int, max_keys: int = 4096, floats: bool = False) -> dict[str, Any]:
    """The document as tomllib gives it.

    Arguments: sizes are caps; ``floats`` is for files that are not ours (a pyproject.toml).
    Raises ValueError with one line of ASCII for whatever is wrong.
    """
    text = decode(data, max_bytes).replace("\r\n", "\n")
    _check_shape(text, max_keys)
    try:
        return tomllib.loads(text, parse_float=float if floats else _no_float)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {ascii(str(error))[1:-1][:120]}") from None
    except RecursionError:
        raise ValueError("not TOML: nested too deeply") from None


def read_toml(
    data: bytes, *, max_bytes: int, max_keys: int, error: type[LfciError], code: str, what: str
) -> Fields:
    """A file of ours as strict fields; every failure is ``error(code, ...)``."""
    try:
        value = parse_toml(data, max_bytes=max_bytes, max_keys=max_keys)
    except ValueError as failure:
        raise error(code, f"{what}: {failure}") from None
    return Fields(value, error=error, code=code, what=what)


def _check_shape(text: str, max_keys: int) -> None:
    depth = dots = keys = 0
    for token in TOKENS.findall(text):
        if token in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested more than {MAX_DEPTH} deep")
        elif token in ("]", "}"):
            depth = max(depth - 1, 0)
        elif token == ".":
            dots += 1
            if dots > MAX_DOTS:
                raise ValueError(f"more than {MAX_DOTS} dots in one line")
        elif token == "=":
            keys += 1
            if keys > max_keys:
                raise ValueError(f"more than {max_keys} keys")
        elif token:
            dots = 0


def _no_float(text: str) -> NoReturn:
    raise ValueError("floating point numbers are not allowed")
