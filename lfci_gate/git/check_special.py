"""``.gitmodules`` and ``.gitattributes`` of a pushed tree: what they may say. Pure, over the bytes.

Clients act on both: a submodule's name, path, url and update setting have each been a way to run
commands on who clones, and long attribute lines overflowed a counter. The rules are those of
git's fsck (gitmodulesName, gitmodulesUrl, gitmodulesPath, gitmodulesUpdate, gitattributesLarge,
gitattributesLineLength). ``.gitmodules`` is read as the plain subset that `git submodule` writes;
what needs git's whole configuration language is refused, for two readers could differ on it.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MAX_SPECIAL_BYTES", "attributes_problem", "modules_problem"]

MAX_SPECIAL_BYTES: Final = 1024 * 1024
_MAX_ATTRIBUTE_LINE: Final = 2048  # git ignores lines from this length on

# Expressions are text: re compiles them when a push has such a file, and keeps them.
_SECTION: Final = rb'\[[ \t]*([A-Za-z0-9-]{1,64})(?:[ \t]+"([^"\\\x00]*)")?[ \t]*\]'
# What is given to curl, and the form of it that has one reading.
_CURL: Final = rb"(?i)(?:(?:https?|ftps?)::)?(?:https?|ftps?):|(?:https?|ftps?)::"
_CURL_PLAIN: Final = (
    rb"(?i)(?:https?|ftps?)://(?:[^\x00-\x20/?#@%]*@)?(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    rb"(?:[/?#](?:[^\x00-\x20%]|%[0-9A-Fa-f]{2})*)?"
)
_SETTING: Final = rb"([A-Za-z][A-Za-z0-9-]{0,63})[ \t]*(?:=[ \t]*([^\x00-\x08\x0a-\x1f]*))?"


def attributes_problem(data: bytes) -> str | None:
    """Why this ``.gitattributes`` is refused; None when it is not."""
    if max(map(len, data.split(b"\n"))) >= _MAX_ATTRIBUTE_LINE:
        return f"a line of {_MAX_ATTRIBUTE_LINE} bytes or more"
    return None


def modules_problem(data: bytes) -> str | None:
    """Why this ``.gitmodules`` is refused; None when it is not."""
    section: bytes | None = None
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        stripped = line.strip(b" \t\r")
        if not stripped or stripped[:1] in (b"#", b";"):
            continue
        if stripped.startswith(b"["):
            match = re.fullmatch(_SECTION, stripped)
            if match is None:
                return "a section header that is not plain"
            section = match[1].lower()
            problem = _name_problem(match[2]) if section == b"submodule" and match[2] is not None else None
        else:
            match = re.fullmatch(_SETTING, stripped)
            if match is None or section is None:
                return "a line that is not plain"
            problem = _setting_problem(match[1].lower(), match[2] or b"")
        if problem is not None:
            return problem
    return None


def _name_problem(name: bytes) -> str | None:
    if not name or b".." in re.split(rb"[/\\]", name):
        return "a submodule name that is empty or climbs"
    return None


def _setting_problem(key: bytes, value: bytes) -> str | None:
    # Quotes, escapes and continued lines change what a value is; none is needed for a sane one.
    if key in (b"path", b"url", b"update") and (b'"' in value or b"\\" in value):
        return f"a quoted or escaped {key.decode()}"
    if b"\\" in value[-1:]:
        return "a continued line"
    if key == b"path" and value.startswith(b"-"):
        return "a submodule path that looks like an option"
    if key == b"update" and value.startswith(b"!"):
        return "a submodule update that runs a command"
    if key == b"url":
        return _url_problem(value)
    return None


def _url_problem(url: bytes) -> str | None:
    if url.startswith(b"-"):
        return "a submodule url that looks like an option"
    if b"%0a" in url.lower():
        return "a submodule url with a newline"
    climbing = re.match(rb"(?:\.{1,2}/)+", url)
    if climbing and b"../" in climbing[0] and url[climbing.end() : climbing.end() + 1] in (b":", b"/"):
        return "a submodule url that climbs above its host"
    if re.match(_CURL, url) and not (re.fullmatch(_CURL_PLAIN, url) and b"/../" not in url + b"/"):
        return "a submodule url that is not plain"
    return None
