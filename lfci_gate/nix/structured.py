"""What Nix's builder gives a derivation: variables, and files in the build directory. Pure.

The develop engine is no Nix builder, so this says what one would do (libstore's local builder:
initEnv, writeStructuredAttrs, passAsFile), for any kind of derivation.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lfci_gate.errors import Undecided
from lfci_gate.nix.aterm import StoreDerivation
from lfci_gate.nix.expression import shell_quote

__all__ = ["BuilderInput", "attrs_shell", "builder_input"]

BUILD: Final = "/build"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BASE32: Final = "0123456789abcdfghijklmnpqrsvwxyz"


class BuilderInput(NamedTuple):
    env: dict[str, str]
    files: dict[str, str]
    """Name in the build directory -> content."""


def builder_input(drv: StoreDerivation, *, cores: int) -> BuilderInput:
    """Environment and files of the builder of ``drv``.

    Arguments:
        cores: what NIX_BUILD_CORES says.

    Raises Undecided LFCI319 for structured attributes that are no JSON object.
    """
    env = {
        "PATH": "/path-not-set",
        "HOME": "/homeless-shelter",
        "NIX_STORE": drv.outputs["out"].rpartition("/")[0],
        "NIX_BUILD_CORES": str(cores),
    }
    files: dict[str, str] = {}
    structured = drv.env.get("__json")
    if structured is not None:
        attributes = _attributes(structured) | {"outputs": dict(drv.outputs)}
        files[".attrs.sh"] = attrs_shell(attributes)
        files[".attrs.json"] = json.dumps(attributes, ensure_ascii=False, sort_keys=True)
        env["NIX_ATTRS_SH_FILE"] = f"{BUILD}/.attrs.sh"
        env["NIX_ATTRS_JSON_FILE"] = f"{BUILD}/.attrs.json"
    else:
        as_file = frozenset(drv.env.get("passAsFile", "").split())
        for name, value in drv.env.items():
            if name in as_file:
                file = f".attr-{_base32(hashlib.sha256(name.encode()).digest())}"
                files[file] = value
                env[f"{name}Path"] = f"{BUILD}/{file}"
            else:
                env[name] = value
    for name in ("NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD"):
        env[name] = BUILD
    env["NIX_LOG_FD"] = "2"
    env["TERM"] = "xterm-256color"
    return BuilderInput(env, files)


def attrs_shell(attributes: Mapping[str, Any]) -> str:
    """``.attrs.sh``: each attribute that a bash variable can hold, in order of the names."""
    lines = []
    for name in sorted(attributes):
        value = attributes[name]
        if _NAME.fullmatch(name) is None:
            continue
        if (simple := _simple(value)) is not None:
            lines.append(f"declare {name}={simple}")
        elif type(value) is list:
            items = [_simple(item) for item in value]
            if None not in items:
                lines.append(f"declare -a {name}=({''.join(f'{item} ' for item in items)})")
        elif type(value) is dict:
            pairs = [(shell_quote(key), _simple(value[key])) for key in sorted(value)]
            if all(item is not None for _, item in pairs):
                lines.append(f"declare -A {name}=({''.join(f'[{key}]={item} ' for key, item in pairs)})")
    return "".join(f"{line}\n" for line in lines)


def _simple(value: Any) -> str | None:
    if value is None:
        return "''"
    if type(value) is bool:
        return "1" if value else ""
    if type(value) is str:
        return shell_quote(value)
    if type(value) is int or (type(value) is float and math.isfinite(value) and value == int(value)):
        return str(int(value))
    return None


def _attributes(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Undecided("LFCI319", "the shell's structured attributes cannot be read") from error
    if type(found) is not dict:
        raise Undecided("LFCI319", "the shell's structured attributes are no object")
    return found


def _base32(digest: bytes) -> str:
    """Nix's own base 32 (libutil/hash.cc): least significant digit last, no padding."""
    length = (len(digest) * 8 - 1) // 5 + 1
    number = int.from_bytes(digest, "little")
    return "".join(_BASE32[(number >> (5 * place)) & 31] for place in reversed(range(length)))
